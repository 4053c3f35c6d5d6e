// Command bare is an app that uses only HTTP. The other apps are measured against it.
package main

import (
	"context"
	"fmt"
	"net/http"
)

func main() {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	fmt.Println(resp, err)
	if err == nil {
		resp.Body.Close()
	}
}
