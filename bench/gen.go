// Command bench measures the cost of a call through this SDK, through others, and by hand. See RESULTS.md.
package main

//go:generate go run -C .. github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen --config bench/stock/oapi-codegen.yaml openapi.yaml
