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
