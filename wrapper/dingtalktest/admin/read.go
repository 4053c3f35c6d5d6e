package admin

import (
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// api answers the requests that have parameters or a body.
type api struct{ emulator *dingtalktest.Emulator }

// known rejects unknown parameters: a misspelt filter would match everything.
func known(query map[string][]string, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no parameter %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

func number(query map[string][]string, name string, least, most, otherwise int64) (int64, error) {
	values, given := query[name]
	if !given {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s %q is not a number from %d to %d", name, values[0], least, most)
	}
	return n, nil
}

// readJSON reads a request's body, all of it and nothing that into does not have.
func readJSON(r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return statusError{http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json"}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil { // It is in memory.
		return err
	}
	return data.Decode(raw, into)
}
