// Package openconversation holds the contract of the two DingTalk calls that turn a group's legacy chatId into the
// openConversationId that newer APIs require: openapi.yaml, from which package generated is made.
//
// Apps import the package wrapper (named dingtalk) instead:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
package openconversation

import _ "embed"

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen --config generated/oapi-codegen.yaml openapi.yaml
//go:generate go run ./internal/errorcodes openapi.yaml generated

// Contract is openapi.yaml, the OpenAPI 3.0.3 description of both calls and the catalogue of their error codes.
//
//go:embed openapi.yaml
var Contract string
