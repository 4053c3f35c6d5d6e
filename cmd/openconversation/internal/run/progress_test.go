package run

import (
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

func TestProgressLine(t *testing.T) {
	for _, tt := range []struct {
		total int64
		want  string
	}{
		{1000, "300 of 1000 rows, 20.0/s, about 35s left, 2 throttled, 210 calls"},
		{-1, "300 rows, 20.0/s, 2 throttled, 210 calls"},
	} {
		if got := (progress{what: explain.Rows[int64], done: 300, before: 100, total: tt.total, took: 10 * time.Second, throttled: 2, calls: 210}).text().Say(lang.English); got != tt.want {
			t.Errorf("%s", got)
		}
	}
	if got := (progress{what: explain.Rows[int64], total: 5}).text().Say(lang.English); got != "0 of 5 rows, 0.0/s, 0 throttled, 0 calls" {
		t.Error(got)
	}
}
