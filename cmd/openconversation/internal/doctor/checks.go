package doctor

import (
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
)

// options are the flags of doctor.
type options struct {
	connect.Flags
	chat    string
	json    bool
	timeout time.Duration
}

// The checks.
const (
	checkCredentials = "credentials"
	checkHost        = "host"
	checkConnection  = "connection"
	checkToken       = "token"
	checkPermission  = "permission"
	checkAddress     = "address"
	checkConversion  = "conversion"
)

// checks is their order; the last are seen in one call.
var (
	checks    = []string{checkCredentials, checkHost, checkConnection, checkToken, checkPermission, checkAddress, checkConversion}
	inOneCall = checks[4:]
)
