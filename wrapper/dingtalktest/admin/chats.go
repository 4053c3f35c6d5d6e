package admin

import (
	"fmt"
	"net/http"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// maxReaders is how many users may be added in one request.
const maxReaders = 1000

// groups answers GET /groups: those that were created or changed, or the one of a chat id.
func (a api) groups(r *http.Request) (any, error) {
	query := r.URL.Query()
	if err := known(query, "chatId"); err != nil {
		return nil, err
	}
	if !query.Has("chatId") {
		return a.emulator.Groups(), nil
	}
	found := []dingtalktest.Group{}
	if g, ok := a.emulator.Group(query.Get("chatId")); ok {
		found = append(found, g)
	}
	return found, nil
}

// setGroup answers POST /groups.
func (a api) setGroup(r *http.Request) (any, error) {
	var g dingtalktest.Group
	if err := readJSON(r, &g); err != nil {
		return nil, err
	}
	a.emulator.SetGroup(g)
	set, _ := a.emulator.Group(g.ChatID) // complete
	return set, nil
}

// markRead answers POST /messages/read.
func (a api) markRead(r *http.Request) (any, error) {
	var read struct {
		ProcessQueryKey string   `json:"processQueryKey" required:"true" min:"1" max:"1000"`
		UserIDs         []string `json:"userIds" required:"true" min:"1" max:"1000"`
	}
	if err := readJSON(r, &read); err != nil {
		return nil, err
	}
	switch {
	case len(read.UserIDs) == 0 || len(read.UserIDs) > maxReaders:
		return nil, fmt.Errorf("userIds: give 1 to %d users", maxReaders)
	case !a.emulator.MarkRead(read.ProcessQueryKey, read.UserIDs...):
		return nil, statusError{http.StatusNotFound, "no message has this processQueryKey"}
	}
	return nil, nil
}
