package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

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

// inOneCall reports whether a check is one of those that are seen in the conversion of a chat.
func inOneCall(check lang.Format) bool {
	return check == checkPermission || check == checkAddress || check == checkConversion
}

// check is one thing that a conversion needs.
type check struct {
	name lang.Format
	call func(context.Context) (failed lang.Format, err error) // tells of this check and those up to the next call; nil: none
	well func() lang.Text                                      // what it found, unless it failed
}

// examination makes the checks, and reports their findings: each line at once, or all as JSON at the end.
type examination struct {
	world    *term.World
	options  options
	client   *dingtalk.Client
	findings []finding

	found       lang.Text // by the last call
	unconverted error     // why the chat was not converted, if that is a matter of the chat alone
	group       string    // its openConversationId
}

// finding is the result of one check.
type finding struct {
	Check     string `json:"check"`
	Status    string `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	Hint      string `json:"hint,omitempty"`
}

// The results of a check. JSON has them in lower case and with a hyphen.
const (
	statusOK         lang.Format = "ok"
	statusFail       lang.Format = "FAIL"
	statusNotChecked lang.Format = "not checked"
)

var colours = map[lang.Format]term.Colour{statusOK: term.Green, statusFail: term.Red, statusNotChecked: term.Grey}

// fail reports the failed check with its cause, and the others of those that are left as not made. It returns the error that ends
// the command.
func (e *examination) fail(left []check, failed lang.Format, cause error) error {
	hint := explain.Hint(cause)
	for _, check := range left {
		var err error
		switch {
		case check.name == failed:
			f := finding{Kind: explain.Kind(cause), Hint: hint.String()}
			var call *dingtalk.Error
			if errors.As(cause, &call) {
				f.Code, f.RequestID = string(call.Code), call.RequestID
			}
			err = e.tell(failed, statusFail, explain.Describe(cause), f)
		case inOneCall(check.name) && inOneCall(failed):
			err = e.tell(check.name, statusNotChecked, lang.T("unknown: the order of checks is not documented"), finding{})
		default:
			err = e.tell(check.name, statusNotChecked, lang.Text{}, finding{})
		}
		if err != nil {
			return err
		}
	}
	if err := e.finish(false); err != nil {
		return err
	}
	if !hint.Empty() && !e.options.json {
		word := e.world.Lang.Sprintf("hint:")
		text := term.Beside("", term.Printable(hint.Say(e.world.Lang)), 6)
		fmt.Fprint(e.world.Err, e.world.Paint(e.world.Err, term.Yellow, word)+text[uniseg.StringWidth(word):])
	}
	code := explain.ExitCodeOfOne(cause)
	if failed == checkConversion && conversionStage(cause) == "" {
		code = explain.SomeFailed // the error concerns this chat
	}
	return &explain.Error{Code: code, Err: lang.Errorf("%s: %w", lang.T(failed), cause), Reported: true}
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

// tell records a finding, and prints it unless the output is JSON.
func (e *examination) tell(check, status lang.Format, detail lang.Said, f finding) error {
	f.Check, f.Status, f.Detail = string(check), strings.ReplaceAll(strings.ToLower(string(status)), " ", "-"), term.Printable(detail.Say(lang.English))
	e.findings = append(e.findings, f)
	if e.options.json {
		return nil
	}
	l := e.world.Lang
	word := l.Sprintf(status)
	line := term.Beside(term.Pad(word, 13)+l.Sprintf(check), term.Printable(detail.Say(l)), 26)
	return e.world.Print(e.world.Paint(e.world.Out, colours[status], word) + strings.TrimPrefix(line, word))
}

// finish prints the findings if the output is JSON.
func (e *examination) finish(ok bool) error {
	if !e.options.json {
		return nil
	}
	line, err := term.Marshal(struct {
		OK     bool      `json:"ok"`
		ChatID string    `json:"chatId"`
		Checks []finding `json:"checks"`
	}{ok, e.options.chat, e.findings})
	if err != nil {
		return err
	}
	return e.world.Print(line + "\n")
}

func (e *examination) hostText() lang.Text {
	if e.options.Emulator() {
		return lang.T("that of the emulator")
	}
	return lang.T("%s", e.options.Host(e.world))
}

func (e *examination) connectionText() lang.Text {
	if e.options.Emulator() || strings.HasPrefix(e.options.URL(e.world), "http:") {
		return lang.T("it answers without TLS, on loopback")
	}
	return lang.T("it answers over TLS")
}

// toAllow names the address to allow in the hint of a refusal that is about it: the one that the service names, or else this
// machine's own.
func (e *examination) toAllow(ctx context.Context, refused error) error {
	var call *dingtalk.Error
	if !errors.As(refused, &call) || !errors.Is(call.Kind, dingtalk.ErrIPNotAllowed) {
		return refused
	}
	var hint lang.Text // of the kind
	if own := e.options.OwnAddress(ctx, e.world); own != nil && !own.IsLoopback() {
		hint = lang.T("add this machine's public address to the app's allow list: developer console, security settings; its own address is %s, and behind a NAT or a proxy the service sees another", own.String())
	}
	for _, word := range strings.FieldsFunc(call.Message, func(c rune) bool { return c != '.' && c != ':' && !unicode.Is(unicode.ASCII_Hex_Digit, c) }) {
		if address := net.ParseIP(strings.Trim(word, ".:")); address != nil {
			hint = lang.T("add %s to the app's allow list: developer console, security settings", address.String())
		}
	}
	if hint.Empty() {
		return refused
	}
	return &explain.Error{Code: explain.Credentials, Err: refused, Hint: hint}
}

func (e *examination) describeGroup(ctx context.Context) (failed lang.Format, err error) {
	described, err := e.client.GetChat(ctx, generated.GetChatParams{ChatID: e.options.chat})
	switch {
	case errors.Is(err, dingtalk.ErrInvalidChatID): // the conversion has just succeeded
		e.found = lang.T("not described: its ids are not accepted by the operation that describes a group, as those from the JSAPI are not")
	case err != nil:
		return checkGroup, err
	case described.ChatInfo != nil && described.ChatInfo.Status != nil && *described.ChatInfo.Status == 2: // disbanded
		hint := lang.T("nothing can be sent to it any more; create another group, which gives both ids: openconversation call createGroup --help")
		return checkGroup, &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("the group was disbanded"), Hint: hint}
	default:
		e.found = lang.T("in use: %s", text(described.ChatInfo.Name))
	}
	return "", nil
}

func (e *examination) findRobot(ctx context.Context) (failed lang.Format, err error) {
	list, err := e.client.GetBotListInGroup(ctx, generated.GetBotListInGroupRequest{OpenConversationID: e.group})
	if err != nil {
		return checkRobot, err
	}
	var others []string
	for _, robot := range list.ChatbotInstanceVOList {
		if text(robot.RobotCode) == e.options.robot {
			e.found = lang.T("it is in the group: %s", text(robot.Name))
			return "", nil
		}
		others = append(others, text(robot.RobotCode))
	}
	missing := lang.Errorf("%s is not in the group, which has no robot", term.Shown(e.options.robot))
	if len(others) > 0 {
		missing = lang.Errorf("%s is not in the group, which has %s", term.Shown(e.options.robot), strings.Join(others, ", "))
	}
	hint := lang.T("add the robot in the group's settings, under its bots; if it cannot be found there, publish the app and switch its robot on in the developer console. The code has to be that of this app's robot")
	return checkRobot, &explain.Error{Code: explain.SomeFailed, Err: missing, Hint: hint}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
