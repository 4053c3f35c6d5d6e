package dingtalk_test

import (
	"fmt"
	"testing"
)

// TestFaults causes the faults of docs/faults.md that are Go's own, by row. TestCases has those that are answers of the
// service, for every language.
func TestFaults(t *testing.T) {
	for _, fault := range []struct {
		row  int
		what string
		test func(*testing.T)
	}{
		{1, "the name is not resolved", testNameNotResolved},
		{2, "the connection is refused", testConnectionRefused},
		{4, "the connection ends in the body", testEndInBody},
		{5, "TLS cannot be trusted", testTLSUntrusted},
		{6, "the TLS handshake hangs", testTLSHandshakeHangs},
		{7, "no headers, or a slow body", testSlowAnswer}, // and row 8
		{16, "the body is too large", testBodyTooLarge},
		{20, "the token is rejected", testRejected}, // and row 21
		{23, "the source's token is rejected", testSourceTokenRejected},
		{24, "a renewal fails", testRenewalFails},
		{26, "the token endpoint is slow", testSlowTokenEndpoint},
		{27, "the source's token is unusable", testSourceTokenUnusable},
		{28, "lifetimes", testLifetimes},
		{30, "the clock jumps", testClockJumps}, // and row 31
		{43, "the caller's context ends", testCallerEnds},
		{44, "no time for a wait", testNoTimeForWait},
		{45, "a proxy", testProxy},
		{46, "HTTP/2", testHTTP2},
		{59, "a part panics or ends its goroutine", testPartEnds}, // and row 67
		{61, "secrets", testSecrets},
		{62, "a final 1xx", testFinal1xx},
		{62, "a body that ignores its context", testDeafBody},
		{63, "the token endpoint hangs", testConvoy},
		{64, "one caller's part blocks", testPartBlocks},
		{65, "hung service, short deadlines", testHastyCallers},
		{66, "dead pooled connections", testDeadConnections},
		{67, "the input panics or ends its goroutine", testInputEnds},
		{69, "formatters and encoders", testFormatters},
		{69, "errors keep their type", testErrorsKeepTheirType},
		{78, "sent once", testSentOnce},
		{79, "the token in a URL", testTokenInURL},
	} {
		t.Run(fmt.Sprintf("row_%02d_%s", fault.row, fault.what), fault.test)
	}
}
