package dingtalk

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// maxChatIDBytes is far above every sample (36 bytes) and far below the length at which a gateway refuses a path.
const maxChatIDBytes = 256

// conversion is the operation that converts a chat.
var conversion = &generated.OperationChatIDToOpenConversationID

// CheckChatID refuses values that cannot be a chat id: an empty one, "." and "..", more than 256 bytes, invalid UTF-8,
// control or invisible characters, white space or quotes at either end, a URL, a spreadsheet formula, and an
// openConversationId. The error is an *[Error] with [ErrInvalidChatID]. [Client.OpenConversationID] checks this before
// it spends a call. No format is documented, so any other text is sent, escaped as one path segment.
func CheckChatID(id string) error {
	why := notAChatID(id)
	if why == "" {
		return nil
	}
	return &Error{Op: conversion.ID, ChatID: id, Kind: ErrInvalidChatID, Local: true, Message: "not sent: " + why}
}

// notAChatID returns the reason why id cannot be a chat id, or "".
func notAChatID(id string) (why string) {
	first, _ := utf8.DecodeRuneInString(id)
	last, _ := utf8.DecodeLastRuneInString(id)
	invisible := strings.IndexFunc(id, text.Invisible)
	switch {
	case id == "":
		return "it is empty"
	case id == "." || id == "..":
		return "it would change the request's path"
	case len(id) > maxChatIDBytes:
		return fmt.Sprintf("it is longer than %d bytes", maxChatIDBytes)
	case !utf8.ValidString(id):
		return "it is not UTF-8"
	case invisible >= 0 && strings.ContainsFunc(id, unicode.IsControl):
		return "it holds a control character"
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return "it begins or ends with white space"
	case strings.Contains(id, "://"):
		return "it is a URL"
	case first == '=':
		return "it is a spreadsheet's formula"
	case text.Quote(first) || text.Quote(last):
		return "it begins or ends with a quotation mark"
	case isOpenConversationID(id):
		return "it already is an openConversationId"
	case invisible >= 0:
		r, _ := utf8.DecodeRuneInString(id[invisible:])
		return fmt.Sprintf("it holds an invisible character, %U", r)
	}
	return ""
}

// isOpenConversationID recognises both observed forms: "cid" and the base64 of 16 or 32 bytes. "==" at the end is
// enough, since no chat id ends so.
func isOpenConversationID(id string) bool {
	encoded, is := strings.CutPrefix(id, "cid")
	if !is {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	return strings.HasSuffix(encoded, "==") || err == nil && (len(raw) == 16 || len(raw) == 32)
}

// maxIDBytes is far above every known openConversationId (27 bytes, at times more).
const maxIDBytes = 1 << 10

// isID reports whether an answer's or a cache's id may be one. No format is documented: what can be none is refused, such
// as a control character, what encoding/json makes of bytes that are not UTF-8, and the chat id itself.
func isID(id, chatID string) bool {
	return id != "" && len(id) <= maxIDBytes && id != chatID && !strings.ContainsFunc(id, func(r rune) bool {
		return (r <= ' ' || r > '~') && (r == utf8.RuneError || unicode.IsSpace(r) || text.Invisible(r))
	})
}
