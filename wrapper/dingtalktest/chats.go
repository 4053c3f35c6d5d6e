package dingtalktest

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
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

// openConversationID is that of a chat, if the emulator was told of the chat without a group.
func (s *settings) openConversationID(chatID string) (id string, known bool) {
	if id, ok := s.chats[chatID]; ok {
		return id, true
	}
	if s.anyChat && plausible(chatID) {
		return OpenConversationIDOf(chatID), true
	}
	return "", false
}

func plausible(chatID string) bool {
	return len(chatID) <= maxChatID && utf8.ValidString(chatID) &&
		!strings.HasPrefix(chatID, "unknown") && !strings.HasPrefix(chatID, "cid") &&
		!strings.ContainsFunc(chatID, unicode.IsControl)
}
