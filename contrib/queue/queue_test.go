package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestMain is also the program, for the processes that the test starts.
func TestMain(m *testing.M) {
	if os.Getenv("QUEUE_TEST_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// startPostgres starts a server of the system's PostgreSQL, which does not run as root.
func startPostgres(t *testing.T) (url string) {
	t.Helper()
	initdb, err := exec.LookPath("initdb")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err != nil && len(found) > 0 {
		initdb, err = found[len(found)-1], nil // Debian's
	}
	if err != nil {
		t.Fatal("this test needs PostgreSQL: on Debian, apt-get install postgresql")
	}
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	owner := new(syscall.SysProcAttr)
	if os.Geteuid() == 0 {
		postgres, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(postgres.Uid)
		gid, _ := strconv.Atoi(postgres.Gid)
		owner.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(filepath.Dir(initdb), name), args...)
		cmd.SysProcAttr, cmd.Dir = owner, dir
		return cmd
	}
	if out, err := command("initdb", "-D", dir+"/data", "-A", "trust", "-U", "queue", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, port, _ := net.SplitHostPort(redistest.FreeAddr(t))
	server := command("postgres", "-D", dir+"/data", "-p", port, "-k", dir, "-h", "127.0.0.1", "-F")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGQUIT); _ = server.Wait() })
	return "postgres://queue@127.0.0.1:" + port + "/postgres"
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not come true: %s", what)
		}
	}
}

// Workers that are killed before, in and after a message's call send none twice. What nobody can know ends for a person.
func TestKilledWorkerSendsNothingTwice(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	rdb := redistest.Start(t)
	proxy := redistest.StartProxy(t, strings.TrimPrefix(server.URL, "http://")) // before the emulator: it holds requests back
	database := startPostgres(t)
	env := append(os.Environ(), "QUEUE_TEST_PROGRAM=1", "QUEUE_JOB_TIMEOUT=5s", "DATABASE_URL="+database, "DINGTALK_REDIS_URL=redis://"+rdb.Addr,
		"DINGTALK_APP_KEY="+dingtalktest.AppKey, "DINGTALK_APP_SECRET="+dingtalktest.AppSecret, "DINGTALK_BASE_URL=http://"+proxy.Addr)
	kill := func(cmd *exec.Cmd) { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	start := func(in string, args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env, cmd.Stdin, cmd.Stderr = env, strings.NewReader(in), os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(cmd) })
		return cmd
	}
	add := func(chat string) {
		eventually(t, "a job is added", func() bool { return start(chat+"\n", "add", dingtalktest.RobotCode, "Hi, "+chat).Wait() == nil })
	}
	db, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	state := func(chat string) (job, record string) {
		_ = db.QueryRow(context.Background(), `SELECT j.state, coalesce(s.state, '')
			FROM river_job j LEFT JOIN dingtalk_sends s ON s.job_id = j.id WHERE j.args->>'chatId' = $1`, chat).Scan(&job, &record)
		return job, record
	}
	messages := func() int { return server.Count(generated.OperationOrgGroupSend) }

	add("chat-before")
	worker := start("", "work")
	eventually(t, "a message is sent", func() bool { job, _ := state("chat-before"); return job == "completed" })

	// Killed between the record and the call: the request does not reach the service.
	server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(generated.OperationOrgGroupSend)) // and a throttle is waited out
	add("chat-throttled")
	eventually(t, "a throttled job is done later", func() bool { job, _ := state("chat-throttled"); return job == "completed" })
	sent := messages()
	proxy.Set(redistest.Fault{Answer: func(request string) string {
		if strings.Contains(request, "groupMessages/send") {
			time.Sleep(time.Minute)
		}
		return ""
	}})
	add("chat-unsent")
	eventually(t, "sending is recorded", func() bool { _, record := state("chat-unsent"); return record == "sending" })
	kill(worker)
	proxy.Heal()

	// Killed in the call: the service has the message, and does not answer.
	server.FailNext(dingtalktest.Hang().For(generated.OperationOrgGroupSend))
	add("chat-sent")
	worker = start("", "work")
	eventually(t, "the service has the message", func() bool { return messages() == sent+1 })
	kill(worker)

	worker = start("", "work")
	for _, chat := range []string{"chat-unsent", "chat-sent"} {
		eventually(t, chat+" ends", func() bool { job, record := state(chat); return job == "cancelled" && record == "sending" })
	}
	if n := messages(); n != sent+1 {
		t.Errorf("%d messages after two kills, want 1", n-sent)
	}
	_ = worker.Process.Signal(syscall.SIGTERM)
	if err := worker.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}
