package call

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// dryRun prints a request and sends nothing. The token's place is shown, without a token.
func dryRun(ctx context.Context, w *term.World, o *options, request dingtalk.Request) error {
	op, base := request.Operation, o.URL(w)
	if op.Server != "" {
		own, known := op.Regions[base]
		if server, err := url.Parse(op.Server); !known && err == nil && base != string(dingtalk.International) && base != string(dingtalk.MainlandChina) {
			own = base + server.EscapedPath()
		}
		base = cmp.Or(own, op.Server)
	}
	if op.TokenQuery != "" {
		request.AddQuery(op.TokenQuery, "TOKEN")
	}
	var text strings.Builder
	client, err := generated.NewClient(base, generated.WithHTTPClient(printer{&text, op}))
	if err != nil {
		return explain.Usage("%w", err)
	}
	answer, err := client.Send(ctx, request)
	if err != nil {
		return explain.Usage("%w", err)
	}
	answer.Body.Close()
	return w.Print(text.String())
}

// printer writes requests instead of sending them.
type printer struct {
	text *strings.Builder
	op   *generated.Operation
}

func (p printer) Do(req *http.Request) (*http.Response, error) {
	fmt.Fprintf(p.text, "%s %s\n", req.Method, req.URL)
	if !p.op.Public && p.op.TokenQuery == "" {
		fmt.Fprintf(p.text, "%s: TOKEN\n", generated.TokenHeader)
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		fmt.Fprintf(p.text, "%s: %s\n", name, term.Shown(strings.Join(req.Header[name], ", ")))
	}
	switch {
	case req.Body == nil:
	case p.op.Content != nil && p.op.Content.Type == formType:
		fmt.Fprintf(p.text, "\n(%d bytes)\n", req.ContentLength)
	default:
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(p.text, "\n%s\n", body)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
