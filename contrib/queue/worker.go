package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Send is a job: a message to the group of a chat.
type Send struct {
	ChatID    string `json:"chatId"`
	RobotCode string `json:"robotCode"`
	Text      string `json:"text"`
}

// Kind names the job in the database.
func (Send) Kind() string { return "dingtalk-send" }

// PostgreSQL keeps a record of each message when a worker dies. River keeps its own tables.
const (
	sends  = `CREATE TABLE IF NOT EXISTS dingtalk_sends (job_id bigint PRIMARY KEY, state text, query_key text, at timestamptz DEFAULT now())`
	record = `INSERT INTO dingtalk_sends AS s (job_id, state) VALUES ($1, 'sending')
		ON CONFLICT (job_id) DO UPDATE SET at = s.at RETURNING state, xmax = 0`
)

var errMayHaveBeenSent = errors.New("may have been sent: look into the group before you send it again")

// worker does the jobs.
type worker struct {
	river.WorkerDefaults[Send]
	client *dingtalk.Client
	db     *pgxpool.Pool
}

// Work converts the chat and sends the message, at most once whatever happens to the worker: a message that cannot be sent
// again is recorded first. A job whose record says "sending" was interrupted, and nobody knows where: it ends, for a person.
func (w *worker) Work(ctx context.Context, job *river.Job[Send]) error {
	group, err := w.client.OpenConversationID(ctx, job.Args.ChatID)
	if err != nil {
		return later(err) // a conversion may be repeated
	}
	var state string
	var first bool
	switch err := w.db.QueryRow(ctx, record, job.ID).Scan(&state, &first); {
	case err != nil:
		return err
	case state == "sent":
		return nil // the worker died before it said so
	case !first:
		return river.JobCancel(errMayHaveBeenSent)
	}
	sent, err := w.client.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
		OpenConversationID: group, RobotCode: job.Args.RobotCode, MsgKey: "sampleText", MsgParam: map[string]string{"content": job.Args.Text},
	})
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // what happened is kept though the worker ends
	defer cancel()
	var e *dingtalk.Error
	switch {
	case err == nil:
		_, err = w.db.Exec(keep, `UPDATE dingtalk_sends SET state = 'sent', query_key = $2 WHERE job_id = $1`, job.ID, sent.ProcessQueryKey)
		return err
	case errors.As(err, &e) && e.MayBeDone:
		return river.JobCancel(fmt.Errorf("%w: %w", errMayHaveBeenSent, err))
	}
	_, failed := w.db.Exec(keep, `DELETE FROM dingtalk_sends WHERE job_id = $1`, job.ID)
	return cmp.Or(failed, later(err))
}

// later tells River when a job can succeed: when the service or the budget says, after River's own pause, or never.
func later(err error) error {
	var e *dingtalk.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.RetryAfter > 0, errors.Is(err, dingtalk.ErrQuotaExhausted): // the budget says when it resets
		return river.JobSnooze(cmp.Or(e.RetryAfter, time.Hour))
	case errors.Is(err, dingtalk.ErrInvalidChatID), errors.Is(err, dingtalk.ErrOwnerNotVisible), errors.Is(err, dingtalk.ErrRejected):
		return river.JobCancel(err)
	}
	return err
}
