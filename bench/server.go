package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The server's answers: DingTalk's documented examples. invalidBody is synthetic, because no answer with its code was
// captured; its fields and their order are those of a captured error.
const (
	chatID         = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	conversationID = "cidl1B8RVUFmkO50OC9uEbySQ=="
	accessToken    = "fw8ef8we8f76e6f7s8dxxxx"

	convertedBody = `{"openConversationId":"` + conversationID + `"}`
	tokenBody     = `{"accessToken":"` + accessToken + `","expireIn":7200}`
	invalidBody   = `{"requestid":"30EE8654-1AA2-7D88-8248-9518547248AA","code":"invalideChatId","message":"Invalid chatId"}`

	hostileBytes = 200 << 20
)

// role is how a listener of the server answers.
type role int

const (
	succeeds role = iota
	fails
	hostilePlain
	hostileZipped
)

// wire is a protocol of the server, with its own table.
type wire struct {
	title string
	tls   bool
	http2 bool // for clients with HTTP/2; the others use HTTP/1.1
	slow  bool // each answer takes usualTime
}

var wires = []wire{
	plain: {title: "A call"},
	tls1:  {title: "Over HTTPS, with HTTP/1.1", tls: true},
	tls2:  {title: "Over HTTPS, with HTTP/2", tls: true, http2: true},
	far:   {title: "A service that answers after 20 ms", tls: true, slow: true},
}

// The wires.
const (
	plain = iota
	tls1
	tls2
	far
)

// usualTime is about a region's response time.
const usualTime = 20 * time.Millisecond

// listening describes one listener of the server.
type listening struct {
	wire
	role
}

// listeners lists the server's listeners: on each wire one for each client, in their order, to count connections by
// client; and the hostile ones.
func listeners() (all []listening) {
	for _, w := range wires {
		for _, c := range clients {
			all = append(all, listening{w, c.role})
		}
	}
	return append(all, listening{wires[plain], hostilePlain}, listening{wires[plain], hostileZipped})
}

// canned is an answer: its start, and the part repeated after it.
type canned struct {
	begin, again []byte
	times        int

	status int // for net/http's server
	body   string
}

func reply(status int, body string) canned {
	head := head(fmt.Sprint(status, " ", http.StatusText(status)), "", len(body))
	return canned{begin: append(head, body...), status: status, body: body}
}

func head(status, more string, length int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nDate: Mon, 02 Nov 2026 15:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n"+
		"%sx-acs-request-id: 30EE8654-1AA2-7D88-8248-9518547248AA\r\nContent-Length: %d\r\n\r\n", status, more, length)
}

// serve is the server. It runs in a separate process, so its processor time is not counted. It sends canned bytes and,
// apart from HTTP/2, allocates nothing per request. It writes its listeners' URLs; for each line of input, it writes
// the number of connections opened to each so far.
func serve(ctx context.Context, folder string, in io.Reader, out io.Writer) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, certificateFile), filepath.Join(folder, keyFile))
	if err != nil {
		return err
	}
	var config net.ListenConfig
	opened := make([]atomic.Int64, len(listeners()))
	for i, l := range listeners() {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		scheme := "http"
		if l.tls {
			scheme = "https"
		}
		fmt.Fprintf(out, "%s://%s ", scheme, listener.Addr())
		answer, token := answers(l.role), reply(http.StatusOK, tokenBody)
		count := func() { opened[i].Add(1) }
		if l.http2 {
			go serveHTTP2(listener, certificate, answer, token, count)
			continue
		}
		if l.tls {
			listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}})
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				count()
				go converse(conn, l.slow, answer, token)
			}
		}()
	}
	fmt.Fprintln(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		for i := range opened {
			fmt.Fprint(out, opened[i].Load(), " ")
		}
		fmt.Fprintln(out)
	}
	return nil
}

func answers(r role) canned {
	switch r {
	case fails:
		return reply(http.StatusBadRequest, invalidBody)
	case hostilePlain:
		part := bytes.Repeat([]byte(" "), 1<<20)
		return canned{begin: head("200 OK", "", hostileBytes), again: part, times: hostileBytes / len(part)}
	case hostileZipped:
		var zipped bytes.Buffer
		w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		_, _ = io.Copy(w, io.LimitReader(spaces{}, hostileBytes)) // writing to a buffer cannot fail
		_ = w.Close()
		return canned{begin: head("200 OK", "Content-Encoding: gzip\r\n", zipped.Len()), again: zipped.Bytes(), times: 1}
	default:
		return reply(http.StatusOK, convertedBody)
	}
}

// spaces is an endless body of spaces: a valid start of any JSON.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

var (
	headEnd    = []byte("\r\n\r\n")
	lengthName = []byte("\r\nContent-Length: ")
	tokenPath  = []byte("/oauth2/accessToken ")
)

// converse answers the requests of a connection.
func converse(conn net.Conn, slow bool, answer, token canned) {
	defer conn.Close()
	buf := make([]byte, 16<<10)
	for n := 0; ; {
		m, err := conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += m
		end := bytes.Index(buf[:n], headEnd)
		if end < 0 || n < end+len(headEnd)+contentLength(buf[:end]) {
			continue
		}
		n = 0 // no client here pipelines
		out := answer
		if line := buf[:bytes.IndexByte(buf, '\r')]; bytes.Contains(line, tokenPath) {
			out = token
		}
		if slow {
			time.Sleep(usualTime)
		}
		_, err = conn.Write(out.begin)
		for i := 0; i < out.times && err == nil; i++ {
			_, err = conn.Write(out.again)
		}
		if err != nil {
			return
		}
	}
}

func contentLength(head []byte) (n int) {
	_, value, ok := bytes.Cut(head, lengthName)
	for i := 0; ok && i < len(value) && '0' <= value[i] && value[i] <= '9'; i++ {
		n = n*10 + int(value[i]-'0')
	}
	return n
}

// server is the parent's handle of the server's process.
type server struct {
	bases   []string // URLs, in the order of listeners
	folder  string   // with the certificate
	ask     io.WriteCloser
	answers *bufio.Scanner
	process *exec.Cmd
}

func startServer(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder, err := makeCertificate()
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, process: exec.CommandContext(ctx, self, "-serve", "-certificate", folder)}
	s.process.Stderr = os.Stderr
	if s.ask, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.answers = bufio.NewScanner(out)
	if !s.answers.Scan() {
		return nil, fmt.Errorf("the server did not start: %w", s.process.Wait())
	}
	s.bases = strings.Fields(s.answers.Text())
	return s, nil
}

// opened returns the number of connections opened to each address so far.
func (s *server) opened() ([]int, error) {
	if _, err := fmt.Fprintln(s.ask); err != nil {
		return nil, err
	}
	if !s.answers.Scan() {
		return nil, io.ErrUnexpectedEOF
	}
	counts := make([]int, len(s.bases))
	for i, word := range strings.Fields(s.answers.Text()) {
		var err error
		if counts[i], err = strconv.Atoi(word); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// base returns the URL for a client on a wire.
func (s *server) base(wire, client int) string { return s.bases[wire*len(clients)+client] }

// baseOf returns the URL of a listener for another role.
func (s *server) baseOf(r role) string {
	return s.bases[slices.IndexFunc(listeners(), func(l listening) bool { return l.role == r })]
}

func (s *server) stop() error {
	s.ask.Close()
	return errors.Join(s.process.Wait(), os.RemoveAll(s.folder))
}
