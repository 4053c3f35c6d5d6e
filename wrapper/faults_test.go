package dingtalk_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestFaults causes the faults of docs/faults.md that are Go's own, by row. TestCases has those that are answers of the
// service, for every language.
func TestFaults(t *testing.T) {
	tested := map[int]bool{}
	for _, fault := range []struct {
		rows []int
		what string
		test func(*testing.T)
	}{
		{[]int{1}, "the name is not resolved", testNameNotResolved},
		{[]int{2}, "the connection is refused", testConnectionRefused},
		{[]int{4}, "the connection ends in the body", testEndInBody},
		{[]int{5}, "TLS cannot be trusted", testTLSUntrusted},
		{[]int{6}, "the TLS handshake hangs", testTLSHandshakeHangs},
		{[]int{7, 8}, "no headers, or a slow body", testSlowAnswer},
		{[]int{16}, "the body is too large", testBodyTooLarge},
		{[]int{20, 21}, "the token is rejected", testRejected},
		{[]int{23}, "the source's token is rejected", testSourceTokenRejected},
		{[]int{24}, "a renewal fails", testRenewalFails},
		{[]int{26}, "the token endpoint is slow", testSlowTokenEndpoint},
		{[]int{27}, "the source fails, or its token is unusable", testSourceFails},
		{[]int{28}, "lifetimes", testLifetimes},
		{[]int{30, 31}, "the clock jumps", testClockJumps},
		{[]int{43}, "the caller's context ends", testCallerEnds},
		{[]int{45}, "a proxy", testProxy},
		{[]int{46}, "HTTP/2", testHTTP2},
		{[]int{59, 67}, "a part panics or ends its goroutine", testPartEnds},
		{[]int{61, 79}, "secrets", testSecrets},
		{[]int{62}, "a final 1xx", testFinal1xx},
		{[]int{62}, "a body that ignores its context", testDeafBody},
		{[]int{63}, "the token endpoint hangs", testConvoy},
		{[]int{64}, "one caller's part blocks", testPartBlocks},
		{[]int{65}, "hung service, short deadlines", testHastyCallers},
		{[]int{66}, "dead pooled connections", testDeadConnections},
		{[]int{67}, "the input panics or ends its goroutine", testInputEnds},
		{[]int{69}, "formatters and encoders", testFormatters},
		{[]int{69}, "errors keep their type", testErrorsKeepTheirType},
		{[]int{78}, "sent once", testSentOnce},
	} {
		name := "row"
		for _, row := range fault.rows {
			name += fmt.Sprintf("_%02d", row)
			tested[row] = true
		}
		t.Run(name+"_"+fault.what, fault.test)
	}
	for _, c := range loadCases(t) {
		tested[c.Row] = true
	}
	page, err := os.ReadFile("../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|.*$`).FindAllStringSubmatch(string(page), -1) {
		if n, _ := strconv.Atoi(row[1]); !tested[n] && !regexp.MustCompile("`Test[A-Z]").MatchString(row[0]) {
			t.Errorf("no test has row %d, and it names none", n)
		}
	}
}
