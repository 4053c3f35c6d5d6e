package emulate

import (
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
)

// The environment variables that an app's credentials come from. A secret is never a flag: other users of the machine
// can read a process's arguments.
const (
	EnvAppKey    = "DINGTALK_APP_KEY"
	EnvAppSecret = "DINGTALK_APP_SECRET"
)

// options are the flags of emulator.
type options struct {
	listen, admin  string
	allowRemote    bool
	tls, http2     bool
	tlsNames       []string
	tlsCAFile      string
	printEnv       bool
	readyFile, log string
	health         string

	scenario      string
	anyChat       bool
	chats         []string
	qps, quota    int
	latency       time.Duration
	tokenLifetime time.Duration
	faults        []string
	source        specs.Source
	tokenFaults   []string
}
