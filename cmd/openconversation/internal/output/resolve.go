package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// resolve follows links, also to a file that does not exist yet. A link is never replaced.
func resolve(path string) (string, error) {
	for range 40 {
		target, err := os.Readlink(path)
		if err != nil {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if errors.Is(err, fs.ErrNotExist) {
				return "", lang.Errorf("%s: the folder %s does not exist", path, filepath.Dir(path))
			}
			if err != nil {
				return "", err
			}
			return filepath.Join(dir, filepath.Base(path)), nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", lang.Errorf("%s: too many links", path)
}
