package main

// mutant is one change of a source file that a test must notice.
type mutant struct {
	name     string
	tests    string // a pattern of the tests that should catch it
	file     string // in wrapper
	from, to string // from occurs once
}

var mutants = []mutant{
	// What is repeated.
	{"nothing is repeated", "TestRetry", "retry.go", `if !err.retry || n >= r.MaxAttempts`, `if true || n >= r.MaxAttempts`},
	{"refusals are repeated", "TestRetry", "retry.go", `if !err.retry || n >= r.MaxAttempts`, `if n >= r.MaxAttempts`},
	{"one repeat more", "TestRetry", "retry.go", `n >= r.MaxAttempts`, `n > r.MaxAttempts`},
	{"no backoff", "TestRetry", "retry.go", `wait = r.backoff(n, clk.random())`, `wait = 0`},
	{"backoff without jitter", "TestRetry", "retry.go", `time.Duration(random * float64(min(limit, r.MaxDelay)))`, `min(limit, r.MaxDelay)`},
	{"backoff without limit", "TestRetry", "retry.go", `float64(min(limit, r.MaxDelay))`, `float64(limit)`},
	{"backoff doubles until it overflows", "TestGate", "retry.go", `n > 1 && limit < r.MaxDelay; n--`, `n > 1; n--`},
	{"sleeps past the deadline", "TestRetry|TestFaults/row_44", "retry.go", `clk.now().Add(wait).After(deadline)`, `false && clk.now().Add(wait).After(deadline)`},
	{"sleeps longer than MaxWait", "TestRetry", "retry.go", `|| err.RetryAfter > r.MaxWait`, ``},
	{"Retry-After is ignored", "TestRetry", "retry.go", `value := strings.TrimSpace(h.Get("Retry-After"))`, `value := ""`},
	{"Retry-After is not clamped", "TestRetry", "retry.go", `min(max(seconds, 0), limit.Seconds())`, `max(seconds, 0)`},
	{"Retry-After may be negative", "TestRetry", "retry.go", `min(max(seconds, 0), limit.Seconds())`, `min(seconds, limit.Seconds())`},
	{"a sleep does not end with the context", "TestFaults/row_43", "retry.go", "case <-ctx.Done():\n\t\treturn ctx.Err()", "case <-make(chan bool):\n\t\treturn ctx.Err()"},

	// What the callers of a client share.
	{"the gate never closes", "TestGate", "gate.go", `g.run >= gateBudget`, `g.run >= 1<<30`},
	{"the gate lets all probe", "TestGate", "gate.go", "\tg.limit = 1\n", "\tg.limit = gateWide\n"},
	{"probes at a steady pace", "TestGate", "gate.go", `g.retry.backoff(g.closed+1,`, `g.retry.backoff(1,`},
	{"any call probes", "TestGate", "gate.go", `if n < sent {`, `if false && n < sent {`},
	{"a ban is forgotten", "TestFaults/row_15", "gate.go", "case errors.Is(err.Kind, ErrBlocked):\n\t\tg.close(err, err.RetryAfter)", "case errors.Is(err.Kind, ErrBlocked):\n\t\tg.close(err, 0)"},
	{"a call waits for a ban to end", "TestFaults/row_15", "gate.go", "errors.Is(reason.Kind, ErrBlocked):\n\t\treturn 0", "errors.Is(reason.Kind, ErrBlocked):\n\t\treturn 1 << 62"},
	{"a throttle slows nobody else", "TestFaults/row_33|TestGate", "gate.go", `g.close(err, min(err.RetryAfter, g.retry.MaxWait))`, `_ = 0`},
	{"a throttle stops a client for a day", "TestGate", "gate.go", `min(err.RetryAfter, g.retry.MaxWait)`, `err.RetryAfter`},
	{"a clock set back keeps the gate closed", "TestGate", "gate.go", `if wait > g.pause {`, `if false {`},
	{"a cancelled call waits for the gate", "TestFaults/row_43", "gate.go", "case <-ctx.Done():\n\t\t}", "}"},

	// Answers.
	{"bodies have no cap", "TestFaults/row_16", "answer.go", `N: maxBodyBytes + 1}`, `N: 1 << 62}`},
	{"bodies are cut at the cap", "TestFaults/row_16", "answer.go", `err == nil && n > maxBodyBytes`, `err == nil && n > 1<<62`},
	{"an answer without an id is a success", "TestFaults/row_11|Fuzz", "client.go", `out.OpenConversationID != ""`, `true`},
	{"any status is a success", "TestFaults/row_18", "call.go", `if a.status == http.StatusOK {`, `if true {`},
	{"bodies that break off are not repeated", "TestFaults/row_(04|09|10)", "answer.go", `e.Message, e.retry = "the body broke off", true`, `e.Message = "the body broke off"`},
	{"foreign text is not escaped", "TestFaults/row_(11|42)|Fuzz", "answer.go", `return escape(cut(a.secrets.hide(s), limit))`, `return cut(a.secrets.hide(s), limit)`},
	{"foreign text is not cut", "TestFaults/row_(11|42)|Fuzz", "answer.go", `return escape(cut(a.secrets.hide(s), limit))`, `return escape(a.secrets.hide(s))`},
	{"secrets in answers are shown", "Secret|Fuzz", "answer.go", `return escape(cut(a.secrets.hide(s), limit))`, `return escape(cut(s, limit))`},
	{"HTML is shown", "TestFaults/row_1[34]", "answer.go", `case kind != "":`, `case kind == "shown":`},
	{"a token call goes on through a ban", "TestFaults/row_15", "call.go", `err := c.gate.banned(); err != nil`, `err := c.gate.banned(); false`},
	{"a ban that a token call meets is kept from others", "TestFaults/row_15", "call.go", `c.gate.noteBan(err)`, ``},
	{"a ban page is a refusal", "TestFaults/row_15", "answer.go", `banned := wire.Punish != "" || wire.Status == bannedStatus`, `banned := false`},
	{"codes are not looked up", "TestRetry|TestFaults/row_3", "answer.go", `case row != nil:`, `case row != nil && false:`},
	{"501 is repeated", "TestFaults/row_37", "answer.go", `case s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:`, `case s == http.StatusHTTPVersionNotSupported:`},

	// The network.
	{"redirects are followed", "TestFaults/row_19", "transport.go", `resp, err := t.roundTripper.RoundTrip(req)`, `resp, err := (&http.Client{Transport: t.roundTripper}).Do(req)`},
	{"a redirect is any odd answer", "TestFaults/row_19", "answer.go", `case s >= 300 && s < 400:`, `case false:`},
	{"plain HTTP to any host", "Client|Option|URL", "options.go", `case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):`, `case u.Scheme == "https", u.Scheme == "http":`},
	{"TLS failures are repeated", "TestFaults/row_05", "transport.go", `e.Kind = ErrTLS`, `e.Kind, e.retry = ErrTLS, true`},
	{"TLS alerts are the network's", "TestFaults/row_05", "transport.go", `return strings.HasPrefix(err.Error(), "tls: ")`, `return false`},
	{"certificates are not checked", "TestFaults/row_(05|45)", "transport.go", `ForceAttemptHTTP2: true,`, `ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},`},
	{"unknown names are looked up again", "TestFaults/row_01", "transport.go", `!dns.IsNotFound`, `!dns.IsNotFound || true`},
	{"network faults are not repeated", "TestFaults/row_0[23]", "transport.go", `e.Message, e.retry = "check the network, the proxy and the region", true`, `e.Message = "check the network, the proxy and the region"`},
	{"an attempt has no limit", "TestFaults/row_0[78]", "watch.go", `w.cancel(errAttemptLimit)`, ``},
	{"a watch's timer does not go on for a later attempt", "TestWatch", "watch.go", `w.timer.Reset(left)`, ``},
	{"a watch ends an attempt with an earlier one's timer", "TestWatch", "watch.go", `left > 0`, `false`},
	{"a watch's timer is not started again", "TestWatch", "watch.go", `w.timer.Reset(limit)`, ``},
	{"the proxy's refusal is repeated", "TestFaults/row_45", "transport.go", `proxy.status >= 500`, `proxy.status >= 0`},
	{"no proxy is used", "TestFaults/row_45", "transport.go", `http.ProxyFromEnvironment,`, `nil,`},
	{"dead HTTP/2 connections are kept", "TestFaults/row_46", "transport.go", `&http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}`, `nil`},

	// The caller's context.
	{"a cancelled call is the network's failure", "TestFaults/row_43", "call.go", `!sent || err.broken && ended(ctx) != nil`, `!sent`},
	{"what came before the end is lost", "TestFaults/row_43", "call.go", "\t\terr.Err, err.Attempts = before, before.Attempts\n", ""},

	// Ids.
	{"dot segments are sent", "Fuzz", "client.go", `id == "." || id == "..":`, `false:`},
	{"control characters are sent", "Fuzz|ChatID", "client.go", `strings.IndexFunc(id, unicode.IsControl) >= 0:`, `false && strings.IndexFunc(id, unicode.IsControl) >= 0:`},

	// Tokens.
	{"no replay after a rejected token", "Token|TestFaults/row_2", "call.go", `if rejected == nil {`, `if false {`},
	{"replays without end", "Token|TestFaults/row_2", "call.go", `if rejected == nil {`, `if true {`},
	{"a rejected token is sent again", "Token|TestFaults/row_2", "call.go", `rejected != nil && token == rejected.token`, `false`},
	{"every caller fetches a token", "Token|TestFaults/row_2", "tokencache.go", `if t.flight == nil {`, `if true {`},
	{"any token is dropped with the rejected one", "TestLateRejection", "tokencache.go", `held == nil || held.value != token`, `held == nil`},
	{"rejected tokens are kept", "Token|TestFaults/row_2", "tokencache.go", `t.current.CompareAndSwap(held, nil) && t.shared != nil`, `false`},
	{"wrong credentials are tried at once again", "Token|TestFaults/row_2", "tokencache.go", `} else if errors.Is(err.Kind, ErrUnauthenticated) {`, `} else if false {`},
	{"the first caller's end fails the others", "Token|TestFaults/row_2", "tokencache.go", `context.WithCancel(context.WithoutCancel(ctx))`, `context.WithCancel(ctx)`},
	{"tokens without a lifetime are kept", "Token|TestFaults/row_2", "tokencache.go", `lifetime < leastLifetime`, `false`},
	{"a token may break a header", "Token|TestFaults/row_2", "tokencache.go", `checkHeaderValue(out.AccessToken) == nil`, `out.AccessToken != ""`},
	{"tokens are renewed at their end only", "Token|TestFaults/row_2", "tokencache.go", `held.expires.Add(-min(refreshEarly, lifetime/5))`, `held.expires`},

	// Secrets and logs.
	{"the app's secret is printed", "Secret|Redact|TestFaults/row_61", "token.go", `AppSecret: %s}", a.AppKey, redacted)`, `AppSecret: %s}", a.AppKey, a.AppSecret)`},
	{"the app's secret is in errors", "Secret|TestFaults/row_61|Token", "tokencache.go", `secret: t.creds.AppSecret,`, `secret: "",`},
	{"a logger's panic reaches the caller", "Log|TestFaults/row_59", "log.go", `defer func() { _ = recover() }()`, ``},
}
