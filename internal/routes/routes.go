// Package routes converts a contract into the data that the emulator serves and the command calls, without generating Go.
package routes

import (
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// Of returns the routes of a contract's operations.
func Of(c *contract.Contract) ([]generated.Route, error) {
	var all []generated.Route
	for _, o := range c.Operations {
		example, own, err := c.Example(o)
		if err != nil {
			return nil, err
		}
		r := generated.Route{
			Operation: operation(o), Summary: firstLine(o.Summary), Body: generated.Body(o.Body()),
			Example: example, Synthetic: example != "" && !own,
		}
		for _, p := range o.Described() {
			r.Parameters = append(r.Parameters, generated.Parameter{
				Name: p.Name, In: p.In, Type: p.Type, Required: p.Required, List: p.List, Explode: p.Explode, Description: firstLine(p.Description),
			})
		}
		for _, text := range o.JSONStrings {
			r.Texts = append(r.Texts, generated.JSONText{Name: text.Name, MaxBytes: text.MaxBytes})
		}
		all = append(all, r)
	}
	return all, nil
}

func operation(o contract.Operation) *generated.Operation {
	result := &generated.Operation{
		ID: o.ID, Method: o.Method, Path: o.Path, Server: o.Server, Public: o.Public, TokenQuery: o.TokenQuery, Status: o.Status, Empty: o.Empty,
		Required: o.Required, Permission: o.Permission, Docs: o.Docs,
	}
	for _, region := range o.Regions {
		if result.Regions == nil {
			result.Regions = map[string]string{}
		}
		result.Regions[region.Of] = region.Server
	}
	if o.Safe {
		result.Repeat = generated.RepeatSafe
	}
	for _, e := range o.Codes {
		result.Codes = append(result.Codes, generated.ErrorCode{
			Code: generated.Code(e.Code), Name: e.Name, Aliases: e.Aliases, Status: e.Status, Kind: generated.Kind(e.Kind), Retry: *e.Retry,
			Wait: time.Duration(e.WaitSeconds) * time.Second, Token: generated.TokenEffect(e.Token), Description: e.Description, Message: e.Message, Observed: e.Seen(),
		})
	}
	return result
}

func firstLine(text string) string {
	paragraph, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	return strings.Join(strings.Fields(paragraph), " ")
}
