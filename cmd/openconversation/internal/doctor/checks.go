package doctor

import (
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
)

// options are the flags of doctor.
type options struct {
	connect.Flags
	chat    string
	robot   string
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
	checkGroup       = "group" // this check and the next need --robot
	checkRobot       = "robot"
)

// checks lists the checks in order; one call makes the last ones.
var (
	checks    = []string{checkCredentials, checkHost, checkConnection, checkToken, checkPermission, checkAddress, checkConversion}
	inOneCall = checks[4:]
)

// checks returns the checks that the flags select.
func (o options) checks() []string {
	if o.robot == "" {
		return checks
	}
	return append(slices.Clone(checks), checkGroup, checkRobot)
}
