package emulate

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// The environment variables that --print-env and --ready-file set beside the credentials'.
const (
	envBaseURL = "DINGTALK_BASE_URL"
	envSocket  = "DINGTALK_EMULATOR_SOCKET"
	envAdmin   = "DINGTALK_EMULATOR_ADMIN"
	envCAFile  = "DINGTALK_EMULATOR_CA_FILE"
	envPID     = "DINGTALK_EMULATOR_PID"
)

// variable is one of them.
type variable struct{ name, value string }

func (o *options) variables(s *Server) []variable {
	key, secret := s.emulator.Credentials()
	list := []variable{{envBaseURL, s.URL}, {EnvAppKey, key}, {EnvAppSecret, secret}, {envPID, fmt.Sprint(os.Getpid())}}
	if path, ok := strings.CutPrefix(s.URL, unixPrefix); ok {
		scheme := "http"
		if o.tls {
			scheme = "https"
		}
		list[0].value = scheme + "://localhost"
		list = append(list, variable{envSocket, path})
	}
	if s.admin != "" {
		list = append(list, variable{envAdmin, s.admin})
	}
	if o.tlsCAFile != "" {
		list = append(list, variable{envCAFile, o.tlsCAFile})
	}
	return list
}

// announce says where the emulator is: to people, or to a shell.
func (o *options) announce(w *term.World, s *Server, c *certificate) error {
	list := o.variables(s)
	if o.allowRemote && !strings.HasPrefix(o.listen, unixPrefix) {
		w.Note("emulator: --allow-remote: whoever reaches this machine can use it and control it, and its credentials are public; it holds nothing of worth")
	}
	if o.readyFile != "" {
		var b strings.Builder
		for _, v := range list {
			fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
		}
		if err := writeWhole(o.readyFile, b.String()); err != nil {
			return explain.Usage("--ready-file: %v", err)
		}
	}
	if o.printEnv {
		var b strings.Builder
		for _, v := range list {
			fmt.Fprintf(&b, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`))
		}
		if err := w.Print(b.String()); err != nil {
			return err
		}
		// A shell that evaluates this reads until the end.
		if closer, ok := w.Out.(io.Closer); ok {
			return closer.Close()
		}
		return nil
	}
	text := w.Lang.Sprintf("listening on %s with %s=%s %s=%s", s.URL, list[1].name, list[1].value, list[2].name, list[2].value) + "\n"
	if s.admin != "" {
		text += w.Lang.Sprintf("admin API on %s, which GET /openapi.yaml describes", s.admin) + "\n"
	}
	if c != nil && o.tlsCAFile == "" {
		text += string(c.authority)
	}
	return w.Print(text)
}

// writeWhole writes a file so that nobody finds half of it.
func writeWhole(name, content string) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(file.Name(), 0o644) //nolint:gosec // what is in it is no secret
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
