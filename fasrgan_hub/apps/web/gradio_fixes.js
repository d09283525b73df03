() => {
    // Gradio gives its empty places a label and no role, so that screen readers may not read the label.
    const addRoles = () => document.querySelectorAll("div[aria-label]:not([role])")
        .forEach(place => place.setAttribute("role", "img"));
    new MutationObserver(addRoles).observe(document.body, {childList: true, subtree: true});
    addRoles();
}
