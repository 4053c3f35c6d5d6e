package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// What the server says: DingTalk's documented examples. invalidBody is synthetic, since no answer with its code was ever
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

// listeners are the roles of the server's addresses: one for each client, in their order, so that its connections are
// told from the others', and the hostile ones.
func listeners() (all []role) {
	for _, c := range clients {
		all = append(all, c.role)
	}
	return append(all, hostilePlain, hostileZipped)
}

// canned is an answer: its beginning, and what is repeated after that.
type canned struct {
	begin, again []byte
	times        int
}

func reply(status, body string) canned {
	return canned{begin: append(head(status, "", len(body)), body...)}
}

func head(status, more string, length int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nDate: Mon, 02 Nov 2026 15:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n"+
		"%sx-acs-request-id: 30EE8654-1AA2-7D88-8248-9518547248AA\r\nContent-Length: %d\r\n\r\n", status, more, length)
}

// serve is the server, a process of its own so that its processor time is nobody's. It answers canned bytes and
// allocates nothing for a request. It writes its addresses, and then, for each line that it reads, how many connections
// were opened to each so far.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var config net.ListenConfig
	var addresses []string
	opened := make([]atomic.Int64, len(listeners()))
	for i, r := range listeners() {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses = append(addresses, listener.Addr().String())
		answer := answers(r)
		token := reply("200 OK", tokenBody)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				opened[i].Add(1)
				go converse(conn, answer, token)
			}
		}()
	}
	fmt.Fprintln(out, strings.Join(addresses, " "))
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
		return reply("400 Bad Request", invalidBody)
	case hostilePlain:
		part := bytes.Repeat([]byte(" "), 1<<20)
		return canned{head("200 OK", "", hostileBytes), part, hostileBytes / len(part)}
	case hostileZipped:
		var zipped bytes.Buffer
		w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		_, _ = io.Copy(w, io.LimitReader(spaces{}, hostileBytes)) // a buffer takes everything
		_ = w.Close()
		return canned{head("200 OK", "Content-Encoding: gzip\r\n", zipped.Len()), zipped.Bytes(), 1}
	default:
		return reply("200 OK", convertedBody)
	}
}

// spaces is a body without end that is valid as the beginning of any JSON.
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
func converse(conn net.Conn, answer, token canned) {
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
		n = 0 // no client here sends a request before the answer to the one before
		out := answer
		if line := buf[:bytes.IndexByte(buf, '\r')]; bytes.Contains(line, tokenPath) {
			out = token
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

// server is the parent's end of the server's process.
type server struct {
	addresses []string // as listeners has them
	ask       io.WriteCloser
	answers   *bufio.Scanner
	process   *exec.Cmd
}

func startServer(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{process: exec.CommandContext(ctx, self, "-serve")}
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
	s.addresses = strings.Fields(s.answers.Text())
	return s, nil
}

// opened is how many connections were opened to each address so far.
func (s *server) opened() ([]int, error) {
	if _, err := fmt.Fprintln(s.ask); err != nil {
		return nil, err
	}
	if !s.answers.Scan() {
		return nil, io.ErrUnexpectedEOF
	}
	counts := make([]int, len(s.addresses))
	for i, word := range strings.Fields(s.answers.Text()) {
		var err error
		if counts[i], err = strconv.Atoi(word); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// address is where a role other than a client's own is played.
func (s *server) address(r role) string { return s.addresses[slices.Index(listeners(), r)] }

func (s *server) stop() error {
	s.ask.Close()
	return s.process.Wait()
}
