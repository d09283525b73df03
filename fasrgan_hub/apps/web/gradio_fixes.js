() => {
    // Gradio gives its empty places a label and no role, so that screen readers may not read the label.
    const addRoles = () => document.querySelectorAll("div[aria-label]:not([role])")
        .forEach(place => place.setAttribute("role", "img"));
    // Its thumbnails of examples have no name: that of the file is one.
    const addNames = () => document.querySelectorAll(".gallery-item img[alt='']").forEach(image => {
        image.alt = decodeURIComponent(image.src.split("/").pop()).replace(/\.\w+$/, "").replaceAll("_", " ");
    });
    // The second click of a double click would answer the question that the first one brought.
    document.addEventListener("click", click => {
        if (click.detail > 1 && click.target.closest(".answers")) click.stopImmediatePropagation();
    }, {capture: true});
    const fix = () => { addRoles(); addNames(); };
    new MutationObserver(fix).observe(document.body, {childList: true, subtree: true});
    fix();
}
