package emulate

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// healthTime is how long the answer may take.
const healthTime = 5 * time.Second

// askHealth asks another process's admin API. It is for images without a shell, whose health check has this program alone.
func (o *options) askHealth(ctx context.Context, w *term.World) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	transport, base := &http.Transport{DisableKeepAlives: true}, strings.TrimSuffix(o.health, "/")
	if path, ok := strings.CutPrefix(o.health, unixPrefix); ok {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil || request.URL.Host == "" {
		return explain.Usage("--health %s: give the URL of an admin API, such as http://127.0.0.1:8081, or unix:PATH", o.health)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("--health: %w", err)}
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("--health %s: answered HTTP %d", o.health, response.StatusCode)}
	}
	return w.Print("ok\n")
}
