// Command bare is an app that does HTTP and nothing else, from which the others are counted.
package main

import (
	"fmt"
	"net/http"
)

func main() {
	resp, err := http.Get("http://127.0.0.1")
	fmt.Println(resp, err)
}
