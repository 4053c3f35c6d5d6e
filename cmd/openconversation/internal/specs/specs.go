// Package specs reads the contract that a flag names.
package specs

import (
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/routes"
)

// Read is the operations of the contract in a file.
func Read(file string) ([]generated.Route, error) {
	c, err := contract.Load(file, contract.Plain)
	if err != nil {
		return nil, refused(err)
	}
	all, err := routes.Of(c)
	if err != nil {
		return nil, refused(err)
	}
	return all, nil
}

func refused(err error) error {
	return explain.UsageHint("openconversation-gen --help lists what a contract may hold", "--spec: %v", err)
}
