package rows

import (
	"slices"
	"strings"
)

// appended are the columns and fields that an output adds to the input's.
type appended struct{ columns, fields []string }

// appends holds the added columns with Options.Details (true) and without.
var appends = map[bool]appended{
	false: {
		[]string{"open_conversation_id", "error_code", "error"},
		[]string{"openConversationId", "errorCode", "error"},
	},
	true: {
		[]string{"open_conversation_id", "error_code", "error", "chat_name", "chat_owner", "chat_status"},
		[]string{"openConversationId", "errorCode", "error", "chatName", "chatOwner", "chatStatus"},
	},
}

// Result is the result of a row.
type Result struct {
	OpenConversationID string `json:"to,omitempty"`   // empty if it failed
	Code               string `json:"code,omitempty"` // of the error
	Error              string `json:"error,omitempty"`

	// Of the group, with Options.Details.
	Name   string `json:"name,omitempty"`
	Owner  string `json:"owner,omitempty"`
	Status string `json:"status,omitempty"`
}

// values returns a result as cells.
func (a appended) values(r Result) []string {
	return []string{r.OpenConversationID, r.Code, r.Error, r.Name, r.Owner, r.Status}[:len(a.columns)]
}

// Results that an input has already: those of an earlier output, or of a table that someone has filled in. They are its
// last columns or fields, the first of which is the openConversationId. They are cut off, and written anew.

// at returns which of the columns has a name, or -1.
func (a appended) at(name string) int {
	return slices.IndexFunc(a.columns, func(column string) bool { return folded(column) == folded(name) })
}

// resultOf reads a result from columns of these names.
func resultOf(names, cells []string) (r Result) {
	values := make([]string, len(appends[true].columns))
	for i, cell := range cells[:min(len(cells), len(names))] {
		if at := appends[true].at(names[i]); at >= 0 {
			values[at] = cell
		}
	}
	return Result{values[0], values[1], values[2], values[3], values[4], values[5]}
}

// kept returns an appended cell as it was before the apostrophe that keeps it from being a formula.
func kept(r Result) Result {
	r.OpenConversationID = strings.TrimSpace(r.OpenConversationID)
	for _, text := range []*string{&r.Error, &r.Name, &r.Owner, &r.Status} {
		if rest, is := strings.CutPrefix(*text, "'"); is && rest != "" && strings.IndexByte("=+-@\t\r", rest[0]) >= 0 {
			*text = rest
		}
	}
	return r
}
