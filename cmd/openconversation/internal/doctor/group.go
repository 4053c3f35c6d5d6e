package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The hints of the two checks of a group.
const (
	disbandedHint lang.Format = "nothing can be sent to it any more; create another group, which gives both ids: openconversation call createGroup --help"
	robotHint     lang.Format = "add the robot in the group's settings, under its bots; if it cannot be found there, publish the app and switch its robot on in the developer console. The code has to be that of this app's robot"
)

// disbanded is the status of a disbanded group.
const disbanded = 2

// examineGroup checks the requirements of a robot's message to a group.
func (e *examination) examineGroup(ctx context.Context, client *dingtalk.Client, group string) error {
	described, err := client.GetChat(ctx, generated.GetChatParams{ChatID: e.options.chat})
	if cause := explain.Ended(ctx, err); cause != nil {
		return cause
	}
	switch {
	case errors.Is(err, dingtalk.ErrInvalidChatID): // the conversion has just succeeded
		err = e.pass(checkGroup, lang.T("not described: its ids are not accepted by the operation that describes a group, as those from the JSAPI are not"))
	case err != nil:
		return e.fail(checkGroup, err)
	case described.ChatInfo != nil && described.ChatInfo.Status != nil && *described.ChatInfo.Status == disbanded:
		return e.fail(checkGroup, &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("the group was disbanded"), Hint: lang.T(disbandedHint)})
	default:
		err = e.pass(checkGroup, lang.T("in use: %s", text(described.ChatInfo.Name)))
	}
	if err != nil {
		return err
	}
	list, err := client.GetBotListInGroup(ctx, generated.GetBotListInGroupRequest{OpenConversationID: group})
	if cause := explain.Ended(ctx, err); cause != nil {
		return cause
	}
	if err != nil {
		return e.fail(checkRobot, err)
	}
	var others []string
	for _, robot := range list.ChatbotInstanceVOList {
		if text(robot.RobotCode) == e.options.robot {
			if err := e.pass(checkRobot, lang.T("it is in the group: %s", text(robot.Name))); err != nil {
				return err
			}
			return e.finish(true)
		}
		others = append(others, text(robot.RobotCode))
	}
	missing := lang.Errorf("%s is not in the group, which has no robot", term.Shown(e.options.robot))
	if len(others) > 0 {
		missing = lang.Errorf("%s is not in the group, which has %s", term.Shown(e.options.robot), strings.Join(others, ", "))
	}
	return e.fail(checkRobot, &explain.Error{Code: explain.SomeFailed, Err: missing, Hint: lang.T(robotHint)})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
