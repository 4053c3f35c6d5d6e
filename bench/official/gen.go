package official

//go:generate go run -C ../.. ./cmd/openconversation-gen --spec bench/official/contract.yaml --package sixty --output bench/official/sixty
