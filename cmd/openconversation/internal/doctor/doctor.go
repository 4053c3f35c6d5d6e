// Package doctor checks in order what a conversion needs, and tells how to fix the first fault.
package doctor

import (
	"context"
	"errors"
	"net"

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
		Use:   "doctor",
		Short: "Check credentials, network, permissions and quota",
		Args:  explain.AtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Check(cmd); err != nil {
				return err
			}
			if o.robot != "" && !cmd.Flags().Changed("chat") && !o.Emulator() {
				return explain.Usage("--robot needs --chat: the group that it is to be in")
			}
			return doctor(cmd.Context(), w, o)
		},
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
	client, done, err := o.Dial(ctx, w)
	if explain.ExitCode(err) == explain.Credentials {
		return e.fail(e.checks(), checkCredentials, err)
	}
	if err != nil {
		return err
	}
	defer done()
	if err := dingtalk.CheckChatID(o.chat); err != nil {
		return explain.Usage("--chat %s: %s", term.Shown(o.chat), explain.Describe(err))
	}
	switch {
	case o.Emulator():
	case o.robot != "":
		w.Note("this spends three calls of the organisation's monthly quota")
	default:
		w.Note("this spends one call of the organisation's monthly quota")
	}
	e.client = client
	return e.examine(ctx)
}

// checks returns the checks that the flags select, in order.
func (e *examination) checks() []check {
	found := func() lang.Text { return e.found }
	unrefused := func(text lang.Format) func() lang.Text {
		return func() lang.Text {
			if e.unconverted != nil { // the order of the service's own checks is not documented
				return lang.T("not refused")
			}
			return lang.T(text)
		}
	}
	all := []check{
		{checkCredentials, nil, e.credentialsText},
		{checkHost, e.fetchToken, e.hostText},
		{checkConnection, nil, e.connectionText},
		{checkToken, nil, func() lang.Text { return lang.T("the service issued an access token") }},
		{checkPermission, e.convert, unrefused("the app may convert chats")},
		{checkAddress, nil, unrefused("calls from this machine's address are accepted")},
		{checkConversion, nil, found},
	}
	if e.options.robot != "" {
		all = append(all, check{checkGroup, e.describeGroup, found}, check{checkRobot, e.findRobot, found})
	}
	return all
}

// examine makes the checks that send requests.
func (e *examination) examine(ctx context.Context) error {
	var failed lang.Format
	var cause error
	checks := e.checks()
	for i, check := range checks {
		if check.call != nil {
			failed, cause = check.call(ctx)
			if ended := explain.Ended(ctx, cause); ended != nil {
				return ended
			}
		}
		if check.name == failed || inOneCall(check.name) && inOneCall(failed) && conversionStage(cause) != "" {
			return e.fail(checks[i:], failed, cause)
		}
		if err := e.tell(check.name, statusOK, check.well(), finding{}); err != nil {
			return err
		}
	}
	return e.finish(true)
}

func (e *examination) fetchToken(ctx context.Context) (failed lang.Format, err error) {
	_, err = e.client.Token(ctx)
	if failed = tokenStage(err); failed == checkToken {
		err = e.elsewhere(ctx, err)
	}
	return failed, err
}

func (e *examination) convert(ctx context.Context) (failed lang.Format, err error) {
	e.group, err = e.client.OpenConversationID(ctx, e.options.chat)
	if failed := conversionStage(err); failed != "" {
		return failed, e.toAllow(ctx, err)
	}
	e.unconverted, e.found = err, lang.T("the chat was converted")
	switch {
	case err != nil && e.options.robot != "": // without an id there is no group to check
		return checkConversion, err
	case errors.Is(err, dingtalk.ErrOwnerNotVisible):
		e.found = lang.T("the call was answered; this chat's owner is outside the app's visible range")
	case err != nil:
		e.found = lang.T("the call was answered; the chat is unknown; for proof give --chat of a group of yours")
	}
	return "", nil
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
	var unresolved *net.DNSError // the host's name, or the proxy's
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return checkToken
	case errors.As(err, &unresolved):
		return checkHost
	case errors.Is(e.Kind, dingtalk.ErrTLS), errors.Is(e.Kind, dingtalk.ErrUnavailable) && e.StatusCode == 0 && !e.Local:
		return checkConnection
	default:
		return checkToken
	}
}

func (e *examination) credentialsText() lang.Text {
	if e.options.Emulator() {
		return lang.T("those of the emulator")
	}
	return lang.T("%s and %s are set", connect.EnvAppKey, e.options.SecretOf())
}
