package dingtalktest

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The chat of the reference page, which every emulator knows.
const (
	ChatID             = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	OpenConversationID = "cidl1B8RVUFmkO50OC9uEbySQ=="
)

// maxChatID is the longest chat id that WithAnyChat knows, in bytes. No real limit is documented.
const maxChatID = 256

// OpenConversationIDOf returns the openConversationId that an emulator with [WithAnyChat] gives a chat: always the
// same for the same id, made up from a hash of it: for seven chats in eight in the usual form of "cid" and 24 characters of
// base64, else in the longer one of "cid" and 44. That of [ChatID] is [OpenConversationID].
func OpenConversationIDOf(chatID string) string {
	if chatID == ChatID {
		return OpenConversationID
	}
	sum := sha256.Sum256([]byte(chatID))
	bytes := 16
	if sum[len(sum)-1]%8 == 0 {
		bytes = 32
	}
	return "cid" + base64.StdEncoding.EncodeToString(sum[:bytes])
}

// plausible says whether [WithAnyChat] knows a chat id.
func plausible(chatID string) bool {
	return len(chatID) <= maxChatID && utf8.ValidString(chatID) &&
		!strings.HasPrefix(chatID, "unknown") && !strings.HasPrefix(chatID, "cid") &&
		!strings.ContainsFunc(chatID, unicode.IsControl)
}
