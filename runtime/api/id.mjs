/** An id: a word for the kind of resource, then a random part. Plain JavaScript: the command line runs unbuilt. */
export const ID = /^[a-z]{1,20}_[0-9a-z_]{1,80}$/;
