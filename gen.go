// Package openconversation holds openapi.yaml, the contract from which package generated is made. Its first operation
// converts a DingTalk group's legacy chatId into the openConversationId that newer APIs require; the others get the access
// token, and create, describe and message groups.
//
// Apps import the package wrapper (named dingtalk) instead:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
package openconversation

import _ "embed"

//go:generate go run ./internal/generate openapi.yaml generated wrapper

// Contract is openapi.yaml, the OpenAPI 3.0.3 description of the operations and the catalogue of their error codes.
//
//go:embed openapi.yaml
var Contract string
