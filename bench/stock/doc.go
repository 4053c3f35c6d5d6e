// Package stock is oapi-codegen's own client for the contract, to be compared with.
package stock
