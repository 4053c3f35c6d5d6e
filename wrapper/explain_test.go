package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func TestExplain(t *testing.T) {
	english := map[string]error{}
	for _, kind := range dingtalk.Kinds() {
		en, zh := dingtalk.Explain(fmt.Errorf("sending: %w", &dingtalk.Error{Kind: kind}), "en-GB"), dingtalk.Explain(kind, "zh-CN")
		if en.Text == "" || en.Hint == "" || zh.Text == en.Text || zh.Hint == en.Hint || en.HTTPStatus < 400 || en.HTTPStatus != zh.HTTPStatus {
			t.Errorf("%s: %+v and %+v", kind.Name(), en, zh)
		}
		other := english[en.Text]
		errorIf(t, other != nil, "%s and %v have one text", kind.Name(), other)
		english[en.Text] = kind
	}
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{nil, 200, ""},
		{errors.New("a secret of the app's own"), 500, ""},
		{context.DeadlineExceeded, 504, "超过了时限"},
		{&dingtalk.Error{Kind: context.Canceled}, 503, "调用方取消了调用"},
		{&dingtalk.Error{Kind: dingtalk.ErrUnavailable, MayBeDone: true}, 502, "写操作返回失败，但可能已经生效"},
		{&dingtalk.Error{Kind: dingtalk.ErrThrottled, Message: "<script>"}, 503, "被限流"},
	} {
		got := dingtalk.Explain(c.err, "zh")
		errorIf(t, got.HTTPStatus != c.status || got.Text != c.text, "%v: %+v", c.err, got)
	}
}
