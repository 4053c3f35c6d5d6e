// Package stock is oapi-codegen's own client for the contract, for comparison.
package stock
