// Package zh is the catalogue of the command's texts in Chinese. Its keys are the English texts.
package zh

import (
	"maps"
	"sync"
)

// Texts are all texts.
var Texts = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, room := range []map[string]string{} {
		maps.Copy(all, room)
	}
	return all
})
