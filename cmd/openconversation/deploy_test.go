package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const deployFolder = "../../deploy/emulator"

func deployed(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(deployFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The image's command line serves, and its health check is answered. Its ports are others here, and its addresses are the
// loopback interface's.
func TestImageWithoutAContainer(t *testing.T) {
	file := deployed(t, "Dockerfile")
	words := func(instruction string) []string {
		t.Helper()
		var list []string
		match := regexp.MustCompile(`(?m)^ *` + instruction + ` (\[.*\])$`).FindStringSubmatch(file)
		if match == nil {
			t.Fatalf("no %s", instruction)
		}
		if err := json.Unmarshal([]byte(match[1]), &list); err != nil {
			t.Fatal(err)
		}
		if list[0] != "/openconversation" || list[1] != "emulator" {
			t.Fatalf("%s %v", instruction, list)
		}
		return list[2:]
	}
	flags := words("ENTRYPOINT")
	for i, flag := range flags {
		flags[i] = regexp.MustCompile(`^0\.0\.0\.0:[0-9]+$`).ReplaceAllString(flag, "127.0.0.1:0")
	}
	s := startService(t, append(flags, "--scenario", filepath.Join(deployFolder, "scenario.yaml"))...)
	health := words("CMD")
	if strings.Join(health[:1], " ") != "--health" || len(health) != 2 {
		t.Fatalf("health check %v", health)
	}
	if got := finish(t, command(t, nil, "emulator", health[0], s.admin)); got.code != 0 {
		t.Errorf("%+v", got)
	}
	_, settings := ask(t, "GET", s.admin+"/settings", "")
	_, faults := ask(t, "GET", s.admin+"/faults", "")
	if !strings.Contains(settings, `"chat-of-sales":"cidSalesSalesSalesSales0Q=="`) || !strings.Contains(faults, `"retryAfter":"1"`) && !strings.Contains(faults, `"Retry-After":"1"`) {
		t.Errorf("%s %s", settings, faults)
	}
	s.stop(t)
}

// The flags and scenarios that the compose file and the manifest give the image are ones that the command takes.
func TestDeployedArguments(t *testing.T) {
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	flags := compose.Services["dingtalk"].Command
	for i, flag := range flags {
		flags[i] = strings.ReplaceAll(strings.ReplaceAll(flag, "/certificates", t.TempDir()), "/scenario.yaml", filepath.Join(deployFolder, "scenario.yaml"))
	}
	startService(t, flags...).stop(t)

	type document struct {
		Kind string
		Data map[string]string
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	scenario := filepath.Join(t.TempDir(), "scenario.yaml")
	decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "kubernetes.yaml")))
	started := false
	for {
		var d document
		if decoder.Decode(&d) != nil {
			break
		}
		switch d.Kind {
		case "ConfigMap":
			if err := os.WriteFile(scenario, []byte(d.Data["scenario.yaml"]), 0o600); err != nil {
				t.Fatal(err)
			}
		case "Deployment":
			args := d.Spec.Template.Spec.Containers[0].Args
			for i, arg := range args {
				args[i] = strings.ReplaceAll(arg, "/etc/emulator/scenario.yaml", scenario)
			}
			startService(t, args...).stop(t)
			started = true
		}
	}
	if !started {
		t.Error("the manifest deploys nothing")
	}
}
