package official

import (
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Lie is a change of an imported contract that makes it wrong. The comparison must find each.
type Lie struct {
	What, Package, Operation string
	old, new                 string
}

// Lies are one of each kind that an importer could tell.
var Lies = []Lie{
	{"a field is missing", "robot_1_0", "orgGroupSend", `\n +coolAppCode: .*`, ""},
	{"int64 is int32", "im_1_0", "queryUnfurlingRegisterInfo", `(name: nextToken.*format: )int64`, "${1}int32"},
	{"a parameter has another name", "im_1_0", "queryUnfurlingRegisterInfo", `name: maxResults`, "name: maxResult"},
	{"POST is PUT", "robot_1_0", "orgGroupSend", `\n    post:`, "\n    put:"},
	{"a header has another name", "impaas_1_0", "dismissGroup", `name: operationSource`, "name: operationOrigin"},
	{"no token", "robot_1_0", "orgGroupSend", `\n      x-repeat`, "\n      security: []$0"},
	{"a text is a number", "robot_1_0", "orgGroupSend", `processQueryKey: {type: string`, "processQueryKey: {type: integer"},
	{"another version in the path", "robot_1_0", "orgGroupSend", `/v1\.0/`, "/v1.1/"},
	{"a boolean is a text", "trajectory_1_0", "queryAppActiveUsers", `(in: query.*type: )boolean`, "${1}string"},
	{"a required field is optional", "robot_1_0", "orgGroupSend", `\n +required: \[msgKey, msgParam\]`, ""},
}

// Tell writes a contract, read from a file, with the lie to another.
func (l Lie) Tell(from, to string) error {
	truth, err := os.ReadFile(from)
	told := regexp.MustCompile(l.old).ReplaceAllString(string(truth), l.new)
	if err == nil && told == string(truth) {
		err = fmt.Errorf("%s: the contract has no place for it", l.What)
	}
	return errors.Join(err, os.WriteFile(to, []byte(told), 0o644))
}
