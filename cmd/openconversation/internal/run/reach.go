package run

import (
	"context"
	"errors"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// fromContext reports whether an error only says that the run's context ended.
func fromContext(err error) bool { return errors.Is(explain.Sentinel(err), context.Canceled) }

// endsRun reports whether every further chat would fail in the same way.
func endsRun(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e) && (e.EndsRun || e.Scope() == dingtalk.ScopeAll)
}

// unclear reports whether a failure may concern one chat or every chat.
func unclear(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e) && e.Scope() == dingtalk.ScopeUnclear
}

// rowResult makes the output's result of a failure. It is the same in every run.
func rowResult(err error) rows.Result {
	result := rows.Result{Code: explain.Kind(err), Error: explain.Sentinel(err).Error()}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		if e.Code != "" {
			result.Code = string(e.Code)
		}
		if e.Message != "" {
			result.Error += ": " + e.Message
		}
	}
	return rows.Result{Code: term.Printable(result.Code), Error: term.Printable(result.Error)}
}

func contextCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
