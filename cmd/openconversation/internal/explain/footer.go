package explain

// Footer is the annotation that holds what a command's help ends with.
const Footer = "footer"
