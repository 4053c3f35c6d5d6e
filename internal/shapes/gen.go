// Package shapes is what openconversation-gen makes of shapes.yaml, a contract with every shape that is carried. Its tests
// drive the call path and the emulator with it.
package shapes

//go:generate go run ../../cmd/openconversation-gen --spec shapes.yaml --package shapes --output .
