package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// examination reports what doctor finds: each line when it is known, or as JSON at the end.
type examination struct {
	world    *term.World
	options  options
	findings []finding
}

// finding is the result of one check.
type finding struct {
	Check     string `json:"check"`
	Status    string `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	Hint      string `json:"hint,omitempty"`
}

const (
	statusOK         = "ok"
	statusFail       = "FAIL"
	statusNotChecked = "not checked"
)

var colours = map[string]term.Colour{statusOK: term.Green, statusFail: term.Red, statusNotChecked: term.Grey}

// statusNames are the statuses in JSON.
var statusNames = map[string]string{statusOK: "ok", statusFail: "fail", statusNotChecked: "not-checked"}

// pass tells that a check found nothing wrong. Its error, like those of the others, is that of printing.
func (e *examination) pass(check, detail string) error {
	return e.tell(finding{Check: check, Status: statusOK, Detail: term.Printable(detail)})
}

// fail tells which check failed, and why, and that those which are left were not made. It returns the error that ends
// the command.
func (e *examination) fail(failed string, cause error) error {
	hint := explain.Hint(cause)
	for _, check := range e.options.checks()[len(e.findings):] {
		f := finding{Check: check, Status: statusNotChecked}
		switch {
		case check == failed:
			f.failed(cause, hint)
		case slices.Contains(inOneCall, check) && slices.Contains(inOneCall, failed):
			f.Detail = "unknown: the order in which the service checks is not documented"
		}
		if err := e.tell(f); err != nil {
			return err
		}
	}
	if err := e.finish(false); err != nil {
		return err
	}
	if hint != "" && !e.options.json {
		fmt.Fprintf(e.world.Err, "hint: %s\n", hint)
	}
	code := explain.ExitCodeOfOne(cause)
	if failed == checkConversion && conversionStage(cause) == "" {
		code = explain.SomeFailed // it is about this chat
	}
	return &explain.Error{Code: code, Err: fmt.Errorf("%s: %w", failed, cause), Reported: true}
}

func (f *finding) failed(cause error, hint string) {
	f.Status, f.Detail, f.Hint = statusFail, explain.Describe(cause), hint
	f.Kind = explain.Kind(cause)
	var e *dingtalk.Error
	if errors.As(cause, &e) {
		f.Code, f.RequestID = string(e.Code), e.RequestID
	}
}

// tell keeps a finding, and prints it unless that is for the end.
func (e *examination) tell(f finding) error {
	e.findings = append(e.findings, f)
	if e.options.json {
		return nil
	}
	status := e.world.Paint(e.world.Out, colours[f.Status], fmt.Sprintf("%-11s", f.Status))
	line := fmt.Sprintf("%s  %-11s  %s", status, f.Check, f.Detail)
	return e.world.Print(strings.TrimRight(line, " ") + "\n")
}

// finish prints the findings as JSON, if they are to be.
func (e *examination) finish(ok bool) error {
	if !e.options.json {
		return nil
	}
	for i := range e.findings {
		e.findings[i].Status = statusNames[e.findings[i].Status]
	}
	line, err := term.Marshal(struct {
		OK     bool      `json:"ok"`
		ChatID string    `json:"chatId"`
		Checks []finding `json:"checks"`
	}{ok, e.options.chat, e.findings})
	if err != nil {
		return err
	}
	return e.world.Print(line + "\n")
}

// unresolved reports whether an error is that of a name, that of the host or of a proxy.
func unresolved(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// route is what a request met on its way.
type route struct {
	mu        sync.Mutex // the connection may be made in another goroutine
	address   string     // host and port that were dialled, those of a proxy if there is one
	target    string     // host, and port if it is not the usual one, to which the request went
	resolved  []string
	handshake *tls.ConnectionState
}

// trace returns a context for the request.
func (r *route) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(hostPort string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.address = hostPort
		},
		WroteHeaderField: func(key string, value []string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if (key == "Host" || key == ":authority") && len(value) > 0 {
				r.target = value[0]
			}
		},
		DNSDone: func(info httptrace.DNSDoneInfo) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.resolved = nil
			for _, address := range info.Addrs {
				r.resolved = append(r.resolved, address.String())
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if err == nil {
				r.handshake = &state
			}
		},
	})
}

// host is the host that was dialled, and proxy whether it is not the one of the request, as far as that is known.
func (r *route) host() (host string, proxy bool) {
	host, port, err := net.SplitHostPort(r.address)
	if err != nil {
		return r.address, false
	}
	usual := strings.TrimSuffix(r.address, ":"+port)
	return host, r.target != "" && r.target != r.address && r.target != usual
}

func (r *route) hostText() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	host, proxy := r.host()
	text := host + " resolves"
	switch {
	case len(r.resolved) > 0:
		text += " to " + strings.Join(r.resolved, ", ")
	case net.ParseIP(host) != nil:
		text = host + " is an address"
	}
	if proxy {
		text += "; it is the proxy, which finds " + r.target
	}
	return text
}

func (r *route) connectionText() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handshake == nil {
		return r.address + " answers, without TLS, as is allowed on a loopback address"
	}
	text := cmp.Or(r.target, r.address) + " answers over " + tls.VersionName(r.handshake.Version)
	if _, proxy := r.host(); proxy {
		text += " through the proxy"
	}
	if len(r.handshake.PeerCertificates) > 0 {
		leaf := r.handshake.PeerCertificates[0]
		text += ", with a certificate of " + leaf.Issuer.String() + " until " + leaf.NotAfter.UTC().Format("2006-01-02")
	}
	return text
}
