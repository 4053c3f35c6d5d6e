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
	words := func(instruction string) (list []string) {
		t.Helper()
		match := regexp.MustCompile(`(?m)^ *` + instruction + ` (\[.*\])$`).FindStringSubmatch(deployed(t, "Dockerfile"))
		if match == nil || json.Unmarshal([]byte(match[1]), &list) != nil || list[0] != "/openconversation" || list[1] != "emulator" {
			t.Fatalf("%s %q", instruction, match)
		}
		return list[2:]
	}
	flags := words("ENTRYPOINT")
	for i, flag := range flags {
		flags[i] = regexp.MustCompile(`^0\.0\.0\.0:[0-9]+$`).ReplaceAllString(flag, "127.0.0.1:0")
	}
	s := startService(t, append(flags, "--scenario", filepath.Join(deployFolder, "scenario.yaml"))...)
	health := words("CMD")
	if got := finish(t, command(t, nil, "emulator", health[0], s.admin)); got.code != 0 || health[0] != "--health" || len(health) != 2 {
		t.Errorf("%q: %+v", health, got)
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
	scenario := filepath.Join(t.TempDir(), "scenario.yaml")
	serves := func(args []string) {
		t.Helper()
		for i, arg := range args {
			args[i] = strings.NewReplacer("/certificates", t.TempDir(), "/etc/emulator/scenario.yaml", scenario, "/scenario.yaml", filepath.Join(deployFolder, "scenario.yaml")).Replace(arg)
		}
		startService(t, args...).stop(t)
	}
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	serves(compose.Services["dingtalk"].Command)
	deployments := 0
	for decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "kubernetes.yaml"))); ; {
		var d struct {
			Kind string
			Data map[string]string
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Args []string } }
				}
			}
		}
		if decoder.Decode(&d) != nil {
			break
		}
		if text := d.Data["scenario.yaml"]; text != "" {
			if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if d.Kind == "Deployment" {
			serves(d.Spec.Template.Spec.Containers[0].Args)
			deployments++
		}
	}
	if deployments != 1 {
		t.Errorf("the manifest has %d deployments", deployments)
	}
}
