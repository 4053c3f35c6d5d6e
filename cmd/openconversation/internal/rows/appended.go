package rows

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
	OpenConversationID string // empty if it failed
	Code               string // of the error
	Error              string

	Name, Owner, Status string // of the group, with Options.Details
}

// values returns a result as cells.
func (a appended) values(r Result) []string {
	return []string{r.OpenConversationID, r.Code, r.Error, r.Name, r.Owner, r.Status}[:len(a.columns)]
}

// result is the inverse of values.
func (a appended) result(cells []string) Result {
	all := make([]string, 6)
	copy(all, cells[:len(a.columns)])
	return Result{all[0], all[1], all[2], all[3], all[4], all[5]}
}
