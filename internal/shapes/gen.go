package shapes

//go:generate go run ../../cmd/openconversation-gen --spec shapes.yaml --package shapes --output .
