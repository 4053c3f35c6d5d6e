// Queue sends a message to the group of each chat through a queue: River on PostgreSQL, one job a chat.
//
//	queue add ROBOT TEXT <chats.txt
//	queue work
//
// Any number of workers may run. They share one token, the calls of a second and the month's budget through Redis, and a
// worker may die at any time: no message is sent twice. The environment has DATABASE_URL, DINGTALK_REDIS_URL,
// DINGTALK_APP_KEY and DINGTALK_APP_SECRET, and may have DINGTALK_BASE_URL.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	db, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	switch args := os.Args[1:]; {
	case err != nil:
	case len(args) == 3 && args[0] == "add":
		err = add(ctx, db, args[1], args[2])
	case len(args) == 1 && args[0] == "work":
		err = work(ctx, db)
	default:
		err = errors.New("usage: queue add ROBOT TEXT <chats.txt, or queue work")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		os.Exit(1)
	}
}

// migrate makes the tables.
func migrate(ctx context.Context, db *pgxpool.Pool) error {
	river, err := rivermigrate.New(riverpgxv5.New(db), nil)
	if err != nil {
		return err
	}
	_, err = river.Migrate(ctx, rivermigrate.DirectionUp, nil)
	_, failed := db.Exec(ctx, sends)
	return errors.Join(err, failed)
}

// add makes a job of each line of standard input.
func add(ctx context.Context, db *pgxpool.Pool, robot, text string) error {
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{})
	if err := errors.Join(err, migrate(ctx, db)); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		job := Send{ChatID: lines.Text(), RobotCode: robot, Text: text}
		if _, err := client.Insert(ctx, job, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}); err != nil {
			return err
		}
	}
	return lines.Err()
}

// work does jobs until the process is told to end; what is under way ends first.
func work(ctx context.Context, db *pgxpool.Pool) error {
	baseURL := cmp.Or(os.Getenv("DINGTALK_BASE_URL"), string(dingtalk.International))
	creds := dingtalk.AppCredentials{AppKey: os.Getenv("DINGTALK_APP_KEY"), AppSecret: os.Getenv("DINGTALK_APP_SECRET")}
	redis, err := dingtalkredis.Open(os.Getenv("DINGTALK_REDIS_URL"))
	if err != nil {
		return err
	}
	defer redis.Close()
	fleet, err := dingtalkredis.New(redis, creds, dingtalkredis.WithBaseURL(baseURL), dingtalkredis.WithLogger(slog.Default()))
	if err != nil {
		return err
	}
	client, err := dingtalk.NewClient(creds, dingtalk.WithBaseURL(baseURL), dingtalk.WithTokenStore(fleet.TokenStore()),
		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)), dingtalk.WithBudget(fleet.Budget(generated.CallsPerMonth)),
		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
	if err := errors.Join(err, fleet.Ping(ctx), migrate(ctx, db)); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{client: client, db: db})
	limit, _ := time.ParseDuration(os.Getenv("QUEUE_JOB_TIMEOUT"))
	limit = cmp.Or(limit, 5*time.Minute)
	jobs, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 16}}, Workers: workers,
		JobTimeout: limit, RescueStuckJobsAfter: limit + limit/5, // the job of a worker that died is taken up then
	})
	if err == nil {
		err = jobs.Start(context.WithoutCancel(ctx))
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return jobs.Stop(context.WithoutCancel(ctx))
}
