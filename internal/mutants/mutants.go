package main

// mutant is one change of a function that a test must notice. The function is named with its package and receiver, as
// in "breaker (*Breaker).open", wherever it stands. What is changed is an expression or statement of its body, written
// as Go, whatever its layout: it occurs there once.
type mutant struct {
	name     string
	tests    string // a pattern of the tests that should catch it
	in       string // the function, or the variable that is set to something
	from, to string
}

var mutants = []mutant{
	// What is repeated.
	{"nothing is repeated", "TestRetry", "dingtalk Retry.next", `!v.repeat.allows(safe)`, `true`},
	{"refusals are repeated", "TestRetry", "dingtalk Retry.next", `!v.repeat.allows(safe)`, `false`},
	{"what may have been processed is repeated", "TestRepeatRule", "dingtalk repeat.allows", `r == ifSafe && safe`, `r == ifSafe`},
	{"one repeat more", "TestRetry", "dingtalk Retry.next", `n >= r.MaxAttempts`, `n > r.MaxAttempts`},
	{"no backoff", "TestRetry", "dingtalk Retry.next", `wait = r.backoff(n, clk.Random())`, `wait = 0`},
	{"backoff without jitter", "TestRetry", "dingtalk Retry.backoff", `time.Duration(random * float64(min(limit, r.MaxDelay)))`, `min(limit, r.MaxDelay)`},
	{"backoff without limit", "TestRetry", "dingtalk Retry.backoff", `min(limit, r.MaxDelay)`, `limit`},
	{"backoff doubles until it overflows", "TestBreaker", "dingtalk Retry.backoff", `n > 1 && limit < r.MaxDelay`, `n > 1`},
	{"sleeps past the deadline", "TestRetry|TestFaults/row_44", "dingtalk Retry.next", `clk.Passes(ctx, wait)`, `false`},
	{"sleeps longer than MaxWait", "TestRetry", "dingtalk Retry.next", `v.RetryAfter > r.MaxWait`, `false`},
	{"Retry-After is ignored", "TestRetry", "wire RetryAfter", `strings.TrimSpace(h.Get("Retry-After"))`, `strings.TrimSpace("")`},
	{"Retry-After is not clamped", "TestRetry", "wire RetryAfter", `min(max(seconds, 0), maxRetryAfter.Seconds())`, `max(seconds, 0)`},
	{"Retry-After may be negative", "TestRetry", "wire RetryAfter", `min(max(seconds, 0), maxRetryAfter.Seconds())`, `min(seconds, maxRetryAfter.Seconds())`},
	{"a zone by number is no date", "TestRetryAfter", "wire RetryAfter", `time.Parse(time.RFC1123Z, value)`, `time.Parse(time.RFC1123, value)`},
	{"a throttle's text is ignored", "TestThrottleThatSaysItsEnd", "dingtalk throttledFor", `err == nil`, `err == nil && end.IsZero()`},
	{"a throttle's text shortens a wait", "TestThrottleThatSaysItsEnd", "dingtalk (*reader).refused", `max(v.RetryAfter, min(throttledFor(text.Cut(string(message), maxMessageBytes), now), maxWait))`, `min(throttledFor(text.Cut(string(message), maxMessageBytes), now), maxWait)`},
	{"a throttle's text may ask for ever", "TestThrottleThatSaysItsEnd", "dingtalk (*reader).refused", `min(throttledFor(text.Cut(string(message), maxMessageBytes), now), maxWait)`, `throttledFor(text.Cut(string(message), maxMessageBytes), now)`},
	{"a sleep does not end with the context", "TestFaults/row_43", "clock Clock.Sleep", `<-ctx.Done()`, `<-make(chan bool)`},

	// What the callers of a client share.
	{"the breaker never opens", "TestBreaker", "breaker (*Breaker).failed", `max(b.failures, b.hasty) < Budget`, `true`},
	{"the breaker lets all probe", "TestBreaker|TestProbe", "breaker (*Breaker).open", `b.limit, b.active = 1, 0`, `b.limit, b.active = unlimited, 0`},
	{"probes at a steady pace", "TestBreaker", "breaker (*Breaker).failed", `b.openings + 1`, `1`},
	{"any call probes", "TestProbe", "breaker (*Breaker).yields", `n < sent`, `n < sent && false`},
	{"a hung probe keeps all others out", "TestProbe", "breaker (*Breaker).turn", `wait <= 0 || wait > probeTime`, `false`},
	{"hung probes count for ever", "TestProbe", "breaker (*Breaker).Release", `max(b.limit, under)`, `max(b.limit, under-under)`},
	{"an answer from before an opening closes the breaker", "TestProbe", "breaker (*Breaker).Release", `p.generation == b.generation.Load()`, `true`},
	{"a throttle slows nobody else", "TestFaults/row_33|TestBreaker", "breaker (*Breaker).Release", `b.open(o, min(o.Wait, b.limits.MaxThrottle))`, `_ = 0`},
	{"a throttle stops a client for a day", "TestBreaker", "breaker (*Breaker).Release", `min(o.Wait, b.limits.MaxThrottle)`, `o.Wait`},
	{"a clock set back keeps the breaker open", "TestBreaker", "breaker (*Breaker).Acquire", `b.until.Sub(now) > b.pause`, `false`},
	{"a cancelled call waits for the breaker", "TestFaults/row_43", "breaker (*Breaker).Acquire", `<-ctx.Done()`, `<-make(chan bool)`},
	{"hasty callers teach the breaker nothing", "TestFaults/row_65", "dingtalk (*verdict).outcome", `errors.Is(v.ended, context.Canceled)`, `v.ended != nil || errors.Is(v.ended, context.Canceled)`},
	{"a pass is kept while a budget blocks", "TestFaults/row_64", "breaker (*Breaker).Lend", `b.Release(p, Outcome[C]{})`, `_ = 0`},

	// Answers.
	{"bodies have no cap", "TestFaults/row_16", "wire read", `MaxBody + 1`, `1 << 62`},
	{"bodies are cut at the cap", "TestFaults/row_16", "wire read", `n > MaxBody`, `n < 0`},
	{"an answer without an id is a success", "TestFaults/row_11|Fuzz", "dingtalk converted", `strings.TrimSpace(out.OpenConversationID) != ""`, `strings.TrimSpace("id") != ""`},
	{"any status is a success", "TestFaults/row_18", "dingtalk (*path).attempt", `!succeeds(c.contract, answer.Status)`, `false`},
	{"an answer without its required fields is a success", "TestSuccess", "dingtalk decodeInto", `!complete(body, o.Required)`, `false`},
	{"an operation of another repeat rule", "TestSentOnce", "dingtalk (*path).do", `c.contract.Repeat == RepeatSafe`, `true`},
	{"a 1xx is read as an answer", "TestFaults/row_62", "wire read", `a.Status < http.StatusOK`, `false`},
	{"bodies that break off are not repeated", "TestFaults/row_(04|09|10)", "dingtalk (*reader).unanswered", `v.Kind, v.Message, v.repeat = ErrUnexpectedResponse, "the body broke off", ifSafe`, `v.Kind, v.Message = ErrUnexpectedResponse, "the body broke off"`},
	{"foreign text is not escaped", "TestFaults/row_(11|42)|Fuzz", "text Secrets.Show", `Escape(shown)`, `shown`},
	{"foreign text is not cut", "TestFaults/row_(11|42)|Fuzz", "text Secrets.hide", `cutAt(text, n)`, `len(text)`},
	{"secrets in answers are shown", "Secret|Fuzz", "text Secrets.hide", `m.hidden == nil`, `true`},
	{"secrets are hidden in one spelling", "Secret|TestFaults/row_69", "text (*marks).search", `depth == layers`, `true`},
	{"HTML is shown", "TestFaults/row_1[34]", "dingtalk (*reader).refused", `kind != ""`, `kind == "shown"`},
	{"a ban page is a refusal", "TestFaults/row_15", "dingtalk (*reader).refused", `body.isBan()`, `false`},
	{"codes are not looked up", "TestRetry|TestFaults/row_3", "dingtalk (*reader).refused", `row != nil`, `false`},
	{"501 is repeated", "TestFaults/row_37", "dingtalk (*reader).byStatus", `s == http.StatusNotImplemented`, `false`},
	{"a byte-order mark costs an answer", "Fuzz", "wire read", `bytes.TrimPrefix(a.buffer.Bytes(), byteOrderMark)`, `a.buffer.Bytes()`},

	// The network.
	{"redirects are followed", "TestFaults/row_19", "wire (*Wire).Do", `w.roundTripper.RoundTrip(req)`, `(&http.Client{Transport: w.roundTripper}).Do(req)`},
	{"a redirect is any odd answer", "TestFaults/row_19", "dingtalk (*reader).byStatus", `s >= 300 && s < 400`, `false`},
	{"plain HTTP to any host", "Client|Option|URL", "dingtalk WithBaseURL", `u.Scheme == "http" && isLoopback(u.Hostname())`, `u.Scheme == "http"`},
	{"TLS failures are repeated", "TestFaults/row_05", "dingtalk (*reader).unanswered", `v.Kind = ErrTLS`, `v.Kind, v.repeat = ErrTLS, ifSafe`},
	{"TLS alerts are the network's", "TestFaults/row_05", "wire isTLS", `strings.HasPrefix(err.Error(), "tls: ")`, `false`},
	{"unknown names are looked up again", "TestFaults/row_01", "dingtalk (*reader).unanswered", `!dns.IsNotFound`, `dns != nil`},
	{"network faults are not repeated", "TestFaults/row_0[23]", "dingtalk repeat.allows", `r == ifSafe`, `false`},
	{"an attempt has no limit", "TestFaults/row_0[78]", "wire (*progress).ring", `p.cancel(ErrLimit)`, `_ = 0`},
	{"a watch's timer does not go on for a later attempt", "TestWatch", "wire (*progress).ring", `p.timer.Reset(left)`, `_ = 0`},
	{"a watch ends an attempt with an earlier one's timer", "TestWatch", "wire (*progress).ring", `left > 0`, `false`},
	{"a watch's timer is not started again", "TestWatch", "wire (*progress).begin", `p.timer.Reset(limit)`, `_ = 0`},
	{"dead connections are used again", "TestFaults/row_66", "wire (*Wire).Attempt", `w.CloseIdle()`, `_ = 0`},
	{"a body that ignores its context is waited for", "TestFaults/row_62", "wire (*Wire).Attempt", `w.foreign`, `false`},
	{"the proxy's refusal is repeated", "TestFaults/row_45", "dingtalk (*reader).unanswered", `proxy.Status >= http.StatusInternalServerError`, `true`},
	{"no proxy is used", "TestFaults/row_45", "wire shared", `http.ProxyFromEnvironment`, `nil`},
	{"dead HTTP/2 connections are kept", "TestFaults/row_46", "wire shared", `&http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}`, `nil`},

	// The caller's context.
	{"a cancelled call is the network's failure", "TestFaults/row_43", "dingtalk (*path).do", `c.sent == n || v.ended != nil`, `c.sent == n`},

	// Ids.
	{"dot segments are sent", "Fuzz|ChatID", "dingtalk notAChatID", `id == "." || id == ".."`, `false`},
	{"control characters are sent", "Fuzz|ChatID", "dingtalk notAChatID", `strings.IndexFunc(id, unicode.IsControl) >= 0`, `false`},
	{"invisible characters are sent", "ChatID", "dingtalk notAChatID", `strings.IndexFunc(id, text.Invisible)`, `-1`},
	{"the long openConversationId is sent", "ChatID", "dingtalk isOpenConversationID", `len(raw) == 32`, `false`},

	// Tokens.
	{"no replay after a rejected token", "Token|TestFaults/row_2", "dingtalk (*path).do", `c.rejected == nil`, `false`},
	{"replays without end", "Token|TestFaults/row_2", "dingtalk (*path).do", `c.rejected == nil`, `true`},
	{"a rejected token is sent again", "Token|TestFaults/row_2", "dingtalk (*path).authorize", `c.rejected != nil && token == c.rejected.token`, `false`},
	{"every caller fetches a token", "Token|TestFaults/row_2", "tokens (*Cache).join", `c.flight == nil`, `true`},
	{"any token is dropped with the rejected one", "TestLateRejection", "tokens (*Cache).Reject", `t.value != token`, `false`},
	{"rejected tokens are kept", "Token|TestFaults/row_2", "tokens (*Cache).Reject", `c.current.CompareAndSwap(t, nil)`, `false`},
	{"wrong credentials are tried at once again", "Token|TestFaults/row_2", "tokens (*Cache).land", `c.cfg.Lasting(f.err)`, `false`},
	{"the first caller's end fails the others", "Token|TestFaults/row_2", "tokens (*Cache).begin", `context.WithoutCancel(ctx)`, `ctx`},
	{"tokens without a lifetime are kept", "Token|TestFaults/row_2", "tokens (*Cache).fetch", `token.Lifetime < leastLifetime`, `false`},
	{"a token may break a header", "Token|TestFaults/row_2", "dingtalk tokenOf", `text.CheckHeader(out.AccessToken) == nil`, `out.AccessToken != ""`},
	{"tokens are renewed at their end only", "Token|TestFaults/row_2", "tokens (*Config).hold", `expires.Add(-min(c.Early, lifetime/5))`, `expires`},
	{"odd credentials are sent", "TestOddCredentials", "dingtalk AppCredentials.Check", `text.CheckCredential(a.AppSecret)`, `error(nil)`},

	// Runs over many chats.
	{"a worker that is ended is not replaced", "TestFaults/row_67", "dingtalk (*run).convertAll", `!returned`, `returned && !returned`},
	{"a worker's end is a success", "TestFaults/row_67", "dingtalk (*run).convert", `!returned`, `returned && !returned`},
	{"a stopped run goes on spending", "TestStop", "dingtalk (*run).change", `c.throttles, c.waits = maxThrottles, b.waits`, `c.throttles = maxThrottles`},
	{"the failure that ends a run is not marked", "TestBulk|TestEnds", "dingtalk (*run).settle", `e.EndsRun = true`, `_ = 0`},

	// Secrets and logs.
	{"the app's secret is printed", "Secret|Redact|TestFaults/row_61", "dingtalk AppCredentials.String", `text.Redacted`, `a.AppSecret`},
	{"the app's secret is in errors", "Secret|TestFaults/row_61|Token", "dingtalk (*path).fetchToken", `secret: creds.AppSecret`, `secret: ""`},
	{"a logger's panic reaches the caller", "Log|TestFaults/row_59", "dingtalk slogger.write", `recover()`, `0`},
}
