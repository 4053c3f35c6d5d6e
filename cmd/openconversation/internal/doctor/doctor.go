// Package doctor checks in order what a conversion needs, and tells how to fix the first fault.
package doctor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Command makes the command doctor.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:         "doctor",
		Short:       "Check credentials, network, permissions and quota",
		Args:        explain.NoArgs,
		Annotations: map[string]string{explain.Footer: connect.Footer(w, "doctor")},
		RunE: explain.Begins(func(cmd *cobra.Command, _ []string) error {
			if err := o.Check(cmd); err != nil {
				return err
			}
			if o.robot != "" && !cmd.Flags().Changed("chat") && !o.Emulator() {
				return explain.Usage("--robot needs --chat: the group that it is to be in")
			}
			return doctor(cmd.Context(), w, o)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.AddTo(cmd)
	flags.StringVar(&o.chat, "chat", dingtalktest.ChatID, "convert this chat `ID`; the default is the one that DingTalk's page shows")
	flags.StringVar(&o.robot, "robot", "", "check in addition whether the robot with this `CODE` can send to the chat's group")
	flags.BoolVar(&o.json, "json", false, "print one JSON object at the end")
	flags.DurationVar(&o.timeout, "timeout", 0, "end after this `time`, such as 30s; 0 is no limit")
	return cmd
}

// doctor makes the checks, and returns the error of the first failed one.
func doctor(ctx context.Context, w *term.World, o options) error {
	ctx, cancel := explain.Within(ctx, o.timeout)
	defer cancel()
	e := &examination{world: w, options: o}
	o.Trace = e.way.trace
	client, done, err := o.Dial(ctx, w)
	if err != nil {
		if explain.ExitCode(err) != explain.Credentials {
			return err
		}
		return e.fail(checkCredentials, err)
	}
	defer done()
	if err := dingtalk.CheckChatID(o.chat); err != nil {
		return explain.Usage("--chat %s: %s", term.Shown(o.chat), explain.Describe(err))
	}
	switch {
	case o.Emulator():
	case o.robot != "":
		w.Note("this spends three calls of the organisation's monthly quota: the conversion of %s, and two about its group", term.Shown(o.chat))
	default:
		w.Note("this spends one call of the organisation's monthly quota: the conversion of %s", term.Shown(o.chat))
	}
	return e.examine(ctx, client)
}

// examine makes the checks that send requests.
func (e *examination) examine(ctx context.Context, client *dingtalk.Client) error {
	if err := e.report("", nil, e.credentialsText); err != nil {
		return err
	}
	_, err := client.Token(ctx)
	if cause := explain.Ended(ctx, err); cause != nil {
		return cause
	}
	stage := tokenStage(err)
	if stage == checkToken {
		err = e.elsewhere(ctx, err)
	}
	issued := func() lang.Text { return lang.T("the service issued an access token") }
	if err := e.report(stage, err, e.way.hostText, e.way.connectionText, issued); err != nil {
		return err
	}
	group, err := client.OpenConversationID(ctx, e.options.chat)
	if cause := explain.Ended(ctx, err); cause != nil {
		return cause
	}
	if stage := conversionStage(err); stage != "" {
		return e.fail(stage, e.way.ownAddress(err))
	}
	known := func(text lang.Format) func() lang.Text {
		return func() lang.Text {
			if err != nil { // the order of the service's own checks is not documented
				return lang.T("not refused")
			}
			return lang.T(text)
		}
	}
	if stage = ""; err != nil && e.options.robot != "" {
		stage = checkConversion // without an id there is no group to check
	}
	converted := func() lang.Text { return conversionText(err) }
	if err := e.report(stage, err, known("the app may convert chats"), known("calls from this machine's address are accepted"), converted); err != nil {
		return err
	}
	if e.options.robot != "" {
		return e.examineGroup(ctx, client, group)
	}
	return e.finish(true)
}

// elsewhere tries refused credentials in the other region: an app belongs to one. A token costs no quota.
func (e *examination) elsewhere(ctx context.Context, refused error) error {
	other, name := e.options.Elsewhere(e.world)
	if !errors.Is(refused, dingtalk.ErrUnauthenticated) || name == "" {
		return refused
	}
	client, done, err := other.Dial(ctx, e.world)
	if err != nil {
		return refused
	}
	defer done()
	if _, err := client.Token(ctx); err != nil {
		return refused
	}
	return &explain.Error{Code: explain.Credentials, Err: refused, Hint: lang.T("the credentials are those of the other region: give --region %s", name)}
}

// tokenStage returns the check of a token call's error.
func tokenStage(err error) lang.Format {
	var e *dingtalk.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return checkToken
	case unresolved(err):
		return checkHost
	case errors.Is(e.Kind, dingtalk.ErrTLS), errors.Is(e.Kind, dingtalk.ErrUnavailable) && e.StatusCode == 0 && !e.Local:
		return checkConnection
	default:
		return checkToken
	}
}

// conversionStage returns the check of a conversion's error, or "" for an error of the chat alone.
func conversionStage(err error) lang.Format {
	switch kind := explain.Sentinel(err); {
	case err == nil, errors.Is(kind, dingtalk.ErrInvalidChatID), errors.Is(kind, dingtalk.ErrOwnerNotVisible):
		return ""
	case errors.Is(kind, dingtalk.ErrPermissionDenied):
		return checkPermission
	case errors.Is(kind, dingtalk.ErrIPNotAllowed), errors.Is(kind, dingtalk.ErrBlocked):
		return checkAddress
	default:
		return checkConversion
	}
}

// conversionText describes the result of a conversion that the service did not refuse.
func conversionText(err error) lang.Text {
	switch {
	case err == nil:
		return lang.T("the chat was converted")
	case errors.Is(err, dingtalk.ErrOwnerNotVisible):
		return lang.T("the call was answered; this chat's owner is outside the app's visible range")
	default:
		return lang.T("the call was answered; the chat is unknown; for proof give --chat of a group of yours")
	}
}

func (e *examination) credentialsText() lang.Text {
	switch {
	case e.options.Emulator():
		return lang.T("those of the emulator")
	case e.options.SecretFile():
		return lang.T("%s and %s are set", connect.EnvAppKey, "--app-secret-file")
	default:
		return lang.T("%s and %s are set", connect.EnvAppKey, connect.EnvAppSecret)
	}
}

// options are the flags of doctor.
type options struct {
	connect.Flags
	chat    string
	robot   string
	json    bool
	timeout time.Duration
}

// The checks, by their names for people.
const (
	checkCredentials lang.Format = "credentials"
	checkHost        lang.Format = "host"
	checkConnection  lang.Format = "connection"
	checkToken       lang.Format = "token"
	checkPermission  lang.Format = "permission"
	checkAddress     lang.Format = "address"
	checkConversion  lang.Format = "conversion"
	checkGroup       lang.Format = "group" // this check and the next need --robot
	checkRobot       lang.Format = "robot"
)

// checks lists the checks in order; one call makes the last ones.
var (
	checks    = []lang.Format{checkCredentials, checkHost, checkConnection, checkToken, checkPermission, checkAddress, checkConversion}
	inOneCall = checks[4:]
)

// checks returns the checks that the flags select.
func (o options) checks() []lang.Format {
	if o.robot == "" {
		return checks
	}
	return append(slices.Clone(checks), checkGroup, checkRobot)
}
