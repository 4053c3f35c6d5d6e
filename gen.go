// Package openconversation holds the contract of the two DingTalk calls that turn a group's legacy chatId into the
// openConversationId that newer APIs require: openapi.yaml, from which package generated is made.
//
// Apps import the package wrapper (named dingtalk) instead:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
package openconversation

import _ "embed"

//go:generate go run ./internal/generate openapi.yaml generated wrapper/operations.gen.go

// Contract is openapi.yaml, the OpenAPI 3.0.3 description of both calls and the catalogue of their error codes.
//
//go:embed openapi.yaml
var Contract string
