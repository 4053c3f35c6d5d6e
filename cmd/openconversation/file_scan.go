package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// scan is what is known of an input once it has been read through.
type scan struct {
	rows, distinct, invalid, skipped int
	digest                           string
	name                             string // of the column or field
}

// repeats is whether a chat comes more than once.
func (s *scan) repeats() bool { return s.rows-s.invalid > s.distinct }

// scanRows reads an input through. Distinct ids are counted by a hash of 8 bytes each; that two of a million share one
// is as likely as 1 to 30 million, and makes a count wrong but no result.
func scanRows(ctx context.Context, r io.Reader, format rows.Format, name string) (*scan, error) {
	sum := sha256.New()
	s := &scan{}
	in, err := rows.NewReader(io.TeeReader(r, sum), rows.Options{Format: format, ID: name})
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	seed := maphash.MakeSeed()
	var hashes []uint64
	for err == nil {
		var row rows.Row
		if row, err = in.Read(); err != nil {
			break
		}
		s.rows++
		if rowProblem(row) != nil {
			s.invalid++
		} else {
			hashes = append(hashes, maphash.String(seed, row.ChatID))
		}
		if s.rows%4096 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(hashes)
	s.distinct = len(slices.Compact(hashes))
	s.skipped, s.name = in.Skipped, in.Name()
	s.digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// rowProblem is why a row's chat is not asked for, or nil. It costs no call.
func rowProblem(row rows.Row) *rows.Result {
	why := row.Problem
	if why == "" && strings.ContainsAny(row.ChatID, "/?") {
		why = "it holds a / or ?" // the SDK would send it; in a file it is a path or a link by mistake
	}
	if why != "" {
		why = "not sent: " + why
	} else if refused := (*dingtalk.Error)(nil); errors.As(dingtalk.CheckChatID(row.ChatID), &refused) {
		why = refused.Message
	} else {
		return nil
	}
	return &rows.Result{Code: failures[0].kind, Error: printable(why)}
}

// plan is what --dry-run prints.
type plan struct {
	Rows     int     `json:"rows"`
	Distinct int     `json:"distinct"`
	Invalid  int     `json:"invalid"`
	Skipped  int     `json:"skipped"`
	Calls    int     `json:"calls"`
	Seconds  float64 `json:"seconds"`               // 0 without a limit
	Share    float64 `json:"monthlyShare"`          // of --monthly-budget, or of the standard edition's quota
	Used     *int    `json:"monthlyUsed,omitempty"` // so far, where it is counted
}

func (a *app) printPlan(ctx context.Context, s *scan, o convertOptions) error {
	shared := a.redisURL(o.connection) != ""
	month := monthlyQuota
	if shared && o.budget > 0 {
		month = o.budget
	}
	p := plan{Rows: s.rows, Distinct: s.distinct, Invalid: s.invalid, Skipped: s.skipped, Calls: s.distinct, Share: float64(s.distinct) / float64(month)}
	quota := fmt.Sprintf("%.1f%% of the %d calls of a month", 100*p.Share, month)
	if shared {
		m, err := a.monthUsed(ctx, o.connection)
		if err != nil {
			return err
		}
		p.Used = &m.Used
		quota = fmt.Sprintf("%s, which has used %d so far", quota, m.Used)
	}
	takes := "as fast as they are answered"
	if o.qps > 0 {
		p.Seconds = float64(p.Calls) / o.qps
		took := time.Duration(p.Seconds * float64(time.Second))
		takes = fmt.Sprintf("%s at %g calls a second", took.Round(time.Second/10), o.qps)
	}
	if o.json {
		return a.printJSON(p)
	}
	return a.print(fmt.Sprintf(`rows           %d
distinct ids   %d
invalid rows   %d
skipped lines  %d
calls          %d
time           %s
quota          %s
`, p.Rows, p.Distinct, p.Invalid, p.Skipped, p.Calls, takes, quota))
}
