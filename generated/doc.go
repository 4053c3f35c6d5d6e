// Package generated is the contract as Go. Apps import it next to package wrapper for the requests and answers of its methods,
// such as [OrgGroupSendRequest], for the codes of errors, such as [CodeInvalidChatID], and for limits. To make a call, use the wrapper:
// the [Client] here knows no tokens, time limits or retries.
//
// oapi-codegen makes the models from openapi.yaml, internal/generator the operations and codes; requests are written by hand.
package generated
